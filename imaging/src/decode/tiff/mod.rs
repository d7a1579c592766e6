//! Decodes TIFF: the kinds of `crate::tiff` here, and the others with the `image` crate.
//!
//! The `tiff` crate can unpack the compressions of those kinds, but rejects their samples. So `unpack` passes each
//! strip or tile to it as a file of plain grey samples, and this module converts the samples to colours.

mod unpack;

use shared::problem::Failure;

use crate::decode::decoded::Decoded;
use crate::decode::frame;
use crate::fault;
use crate::format::Format;
use crate::number;
use crate::pixels::alpha;
use crate::pixels::{Raster, size_bytes};
use crate::reader;
use crate::tiff::failure;
use crate::tiff::page::{self, Colours, Page};

/// Decodes the first page.
pub(super) fn decode(data: &[u8]) -> Result<Decoded, Failure> {
    match Page::read(data) {
        Ok(Some(page)) => Ok(Decoded {
            raster: raster(&page, data)?,
            profile: page::profile(data),
        }),
        Ok(None) => frame::decode(reader::tiff(data), Format::Tiff),
        Err(cause) => Err(failure(&cause)),
    }
}

/// Assembles the image from its strips or tiles.
fn raster(page: &Page, data: &[u8]) -> Result<Raster, Failure> {
    let layout = page.layout();
    let stride = number::length(page.width).saturating_mul(layout.channels());
    let mut pixels = vec![0; size_bytes(page.width, page.height, layout)];
    let (mut packed, mut bytes) = (Vec::new(), Vec::new());
    for part in page.parts() {
        unpack::part(page, data, &part, &mut packed)?;
        let row_bytes = page.row_bytes().max(1);
        let left = number::length(part.left).saturating_mul(layout.channels());
        let rows = pixels
            .chunks_exact_mut(stride.max(1))
            .skip(number::length(part.top))
            .take(number::length(part.height));
        for (y, row) in rows.enumerate() {
            let out = row.get_mut(left..).unwrap_or_default();
            let packed = |y| packed.chunks_exact(row_bytes).nth(y).unwrap_or_default();
            match &page.colours {
                Colours::YCbCr(subsampling, conversion) => {
                    conversion.row(*subsampling, packed(y / subsampling.rows()), y, out);
                }
                Colours::Palette(colours) | Colours::Grey(colours) => {
                    page.packing.depth.bytes(packed(y), &mut bytes);
                    let samples = bytes.chunks_exact(page.packing.samples());
                    let pixels = out.chunks_exact_mut(layout.channels());
                    pixels
                        .zip(samples)
                        .for_each(|(pixel, samples)| paint(colours, samples, pixel));
                }
            }
        }
    }
    let raster = Raster::new(page.width, page.height, layout, pixels)
        .ok_or_else(|| fault::corrupt(Format::Tiff))?;
    Ok(alpha::divide(raster))
}

/// Writes the colour of the first sample to a pixel, and the second sample as its alpha, if it has alpha.
fn paint(colours: &[[u8; 3]], samples: &[u8], pixel: &mut [u8]) {
    let (Some(&index), Some(&second)) = (samples.first(), samples.last()) else {
        return;
    };
    let colour = colours.get(usize::from(index)).copied();
    let [r, g, b] = colour.unwrap_or_default();
    match pixel {
        [grey] => *grey = r,
        [red, green, blue] => [*red, *green, *blue] = [r, g, b],
        [red, green, blue, alpha] => [*red, *green, *blue, *alpha] = [r, g, b, second],
        _ => {}
    }
}
