//! Reduces an image row by row: each output pixel is the mean of a square box of input pixels.
//!
//! Colours are weighted by their alpha, so that the colours of invisible pixels do not show at edges.

use crate::number;
use crate::pixels::{Layout, Raster};
use crate::scale::Shrink;

/// Receives the rows of an image, from top to bottom.
pub(super) struct Rows {
    raster: Raster,
    /// Side of a box, in pixels.
    side: usize,
    channels: usize,
    /// Bytes of an input row.
    row_bytes: usize,
    /// The sum of each output sample over the current row of boxes. With alpha, the colours are multiplied by it.
    sums: Vec<u32>,
    /// Number of input rows in `sums`.
    filled: usize,
    /// Number of finished output rows.
    done: usize,
}

impl Rows {
    pub(super) fn new(width: u32, layout: Layout, shrink: &Shrink) -> Self {
        let raster = Raster::blank(shrink.width, shrink.height, layout);
        let channels = layout.channels();
        Self {
            side: number::length(shrink.divisor),
            channels,
            row_bytes: number::length(width) * channels,
            sums: vec![0; raster.stride()],
            filled: 0,
            done: 0,
            raster,
        }
    }

    /// Adds a row. Ignores a row of another length, so that the image stays incomplete.
    pub(super) fn push(&mut self, row: &[u8]) {
        if row.len() != self.row_bytes {
            return;
        }
        if self.side == 1 {
            self.emit(|_, output| output.copy_from_slice(row));
            return;
        }
        let cell = self.side * self.channels;
        match self.raster.layout {
            Layout::Grey => add::<1>(&mut self.sums, row, cell),
            Layout::Rgb => add::<3>(&mut self.sums, row, cell),
            Layout::Rgba | Layout::Premultiplied | Layout::Cmyk => {
                add_alpha(&mut self.sums, row, cell);
            }
        }
        self.filled += 1;
        if self.filled == self.side {
            self.flush();
        }
    }

    /// The image. `None` if rows are missing.
    pub(super) fn finish(mut self) -> Option<Raster> {
        if self.filled > 0 {
            self.flush();
        }
        (self.done == number::length(self.raster.height)).then_some(self.raster)
    }

    /// Writes the means of the current row of boxes.
    fn flush(&mut self) {
        let (rows, side, row_bytes) = (self.filled, self.side, self.row_bytes);
        let (layout, channels) = (self.raster.layout, self.channels);
        let width = row_bytes / channels;
        self.emit(|sums, output| {
            let cells = sums
                .chunks_exact(channels)
                .zip(output.chunks_exact_mut(channels));
            for (column, (sums, pixel)) in cells.enumerate() {
                let across = side.min(width.saturating_sub(column * side));
                let count = u32::try_from(across * rows).unwrap_or(u32::MAX).max(1);
                if layout == Layout::Rgba {
                    mean_alpha(sums, pixel, count);
                } else {
                    sums.iter()
                        .zip(pixel)
                        .for_each(|(sum, sample)| *sample = ratio(*sum, count));
                }
            }
        });
        self.sums.fill(0);
        self.filled = 0;
    }

    /// Calls `write` with the next output row. After the last row, does nothing.
    fn emit(&mut self, write: impl FnOnce(&[u32], &mut [u8])) {
        let stride = self.raster.stride();
        if let Some(output) = self.raster.pixels.chunks_exact_mut(stride).nth(self.done) {
            write(&self.sums, output);
        }
        self.done += 1;
    }
}

/// Adds the pixels of a row to the sums of their boxes.
fn add<const N: usize>(sums: &mut [u32], row: &[u8], cell: usize) {
    for (sum, pixels) in sums.as_chunks_mut::<N>().0.iter_mut().zip(row.chunks(cell)) {
        for pixel in pixels.as_chunks::<N>().0 {
            sum.iter_mut()
                .zip(pixel)
                .for_each(|(sum, sample)| *sum += u32::from(*sample));
        }
    }
}

/// Like `add`, with colours weighted by their alpha.
fn add_alpha(sums: &mut [u32], row: &[u8], cell: usize) {
    for ([red, green, blue, alpha], pixels) in
        sums.as_chunks_mut::<4>().0.iter_mut().zip(row.chunks(cell))
    {
        for &[r, g, b, a] in pixels.as_chunks::<4>().0 {
            let weight = u32::from(a);
            *red += u32::from(r) * weight;
            *green += u32::from(g) * weight;
            *blue += u32::from(b) * weight;
            *alpha += weight;
        }
    }
}

fn mean_alpha(sums: &[u32], pixel: &mut [u8], count: u32) {
    if let (&[red, green, blue, alpha], [r, g, b, a]) = (sums, pixel) {
        let weight = alpha.max(1);
        (*r, *g, *b) = (
            ratio(red, weight),
            ratio(green, weight),
            ratio(blue, weight),
        );
        *a = ratio(alpha, count);
    }
}

/// The rounded quotient.
fn ratio(sum: u32, count: u32) -> u8 {
    u8::try_from((sum + count / 2) / count).unwrap_or(u8::MAX)
}
