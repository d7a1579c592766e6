//! Turns an image upright, from any of the eight orientations of EXIF.
//!
//! This is done after resizing, on the pixels of a variant, where it costs next to nothing.

use shared::image::Crop;

use crate::pixels::Raster;

/// The orientation of the stored image: whether its axes are swapped, and which of the stored axes are flipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orientation {
    /// Whether the stored columns are the rows of the upright image.
    pub(crate) swaps: bool,
    flips_x: bool,
    flips_y: bool,
}

impl Orientation {
    /// The stored image is upright.
    pub(crate) const UPRIGHT: Self = Self {
        swaps: false,
        flips_x: false,
        flips_y: false,
    };

    /// The orientation of an EXIF tag value from 1 to 8.
    pub(crate) const fn from_tag(value: u16) -> Option<Self> {
        let (swaps, flips_x, flips_y) = match value {
            1 => (false, false, false),
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, false, true),
            7 => (true, true, true),
            8 => (true, true, false),
            _ => return None,
        };
        Some(Self {
            swaps,
            flips_x,
            flips_y,
        })
    }

    /// Converts width and height from stored to upright, or the other way round.
    pub(crate) const fn turn(self, width: u32, height: u32) -> (u32, u32) {
        if self.swaps {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Converts a rectangle of the upright image to one of the stored image, whose size is `width` × `height`.
    pub(crate) fn stored(self, crop: Crop, width: f64, height: f64) -> Crop {
        let Crop {
            left,
            top,
            width: across,
            height: down,
        } = crop;
        let (left, top, across, down) = if self.swaps {
            (top, left, down, across)
        } else {
            (left, top, across, down)
        };
        Crop {
            left: if self.flips_x {
                width - left - across
            } else {
                left
            },
            top: if self.flips_y {
                height - top - down
            } else {
                top
            },
            width: across,
            height: down,
        }
    }

    /// Turns an image upright.
    pub(crate) fn upright(self, raster: Raster) -> Raster {
        if self == Self::UPRIGHT {
            return raster;
        }
        let mut pixels = Vec::with_capacity(raster.pixels.len());
        if self.swaps {
            self.append_columns(&raster, &mut pixels);
        } else {
            self.append_rows(&raster, &mut pixels);
        }
        let (width, height) = self.turn(raster.width, raster.height);
        Raster {
            width,
            height,
            layout: raster.layout,
            pixels,
        }
    }

    fn append_rows(self, raster: &Raster, pixels: &mut Vec<u8>) {
        let mut append = |row: &[u8]| {
            if self.flips_x {
                row.rchunks_exact(raster.layout.channels())
                    .for_each(|pixel| pixels.extend_from_slice(pixel));
            } else {
                pixels.extend_from_slice(row);
            }
        };
        let rows = raster.pixels.chunks_exact(raster.stride());
        if self.flips_y {
            rows.rev().for_each(&mut append);
        } else {
            rows.for_each(&mut append);
        }
    }

    fn append_columns(self, raster: &Raster, pixels: &mut Vec<u8>) {
        let (stride, channels) = (raster.stride(), raster.layout.channels());
        let mut append_column = |from: usize| {
            let column = raster
                .pixels
                .chunks_exact(stride)
                .filter_map(|row| row.get(from..from + channels));
            if self.flips_y {
                column
                    .rev()
                    .for_each(|pixel| pixels.extend_from_slice(pixel));
            } else {
                column.for_each(|pixel| pixels.extend_from_slice(pixel));
            }
        };
        let columns = (0..stride).step_by(channels);
        if self.flips_x {
            columns.rev().for_each(&mut append_column);
        } else {
            columns.for_each(&mut append_column);
        }
    }
}
