//! Encodes AVIF with rav1e. Writes no profile, EXIF or XMP: outputs are sRGB, which is the default of AVIF.

use ravif::{BitDepth, EncodedImage, Encoder, Img, RGB8, RGBA8};
use shared::problem::Failure;

use crate::fault;
use crate::number;
use crate::pixels::{Layout, Raster};

/// Speed preset of rav1e, from 1 (slowest) to 10. `docs/adr/0011-native-image-formats.md` has the measurements.
const SPEED: u8 = 9;

/// Threads per image. A native worker runs several jobs at a time, so more threads would only compete with them.
const THREADS: usize = 2;

/// The quality scale of ravif is 1 to 100.
const QUALITY_MIN: u8 = 1;
const QUALITY_MAX: u8 = 100;

/// Encodes an RGB or RGBA image.
pub(super) fn encode(raster: &Raster, quality: u8) -> Result<Vec<u8>, Failure> {
    let internal = || fault::internal("encode the image");
    let quality = f32::from(quality.clamp(QUALITY_MIN, QUALITY_MAX));
    let encoder = Encoder::new()
        .with_quality(quality)
        .with_alpha_quality(quality)
        .with_speed(SPEED)
        .with_bit_depth(BitDepth::Eight)
        .with_num_threads(Some(THREADS));
    let (width, height) = (number::length(raster.width), number::length(raster.height));
    let EncodedImage { avif_file, .. } = match raster.layout {
        Layout::Rgb => {
            let (chunks, _) = raster.pixels.as_chunks::<3>();
            let pixels: Vec<RGB8> = chunks.iter().map(|&[r, g, b]| RGB8::new(r, g, b)).collect();
            encoder.encode_rgb(Img::new(pixels.as_slice(), width, height))
        }
        Layout::Rgba => {
            let (chunks, _) = raster.pixels.as_chunks::<4>();
            let pixels: Vec<RGBA8> = chunks
                .iter()
                .map(|&[r, g, b, a]| RGBA8::new(r, g, b, a))
                .collect();
            encoder.encode_rgba(Img::new(pixels.as_slice(), width, height))
        }
        Layout::Grey | Layout::Premultiplied | Layout::Cmyk => return Err(internal()),
    }
    .map_err(|_| internal())?;
    Ok(avif_file)
}
