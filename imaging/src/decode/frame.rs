//! Decodes whole frames with the `image` crate, for GIF and most kinds of TIFF.

use std::io::ErrorKind;

use image::{DynamicImage, ImageDecoder, ImageError, ImageResult};
use shared::problem::Failure;

use super::decoded::Decoded;
use crate::fault;
use crate::format::Format;
use crate::pixels::{Layout, Raster};
use crate::reader;

/// Decodes the current frame of a decoder.
pub(super) fn decode(
    decoder: ImageResult<impl ImageDecoder>,
    format: Format,
) -> Result<Decoded, Failure> {
    let (image, profile) = decoder
        .and_then(frame)
        .map_err(|cause| failure(&cause, format))?;
    let (width, height) = (image.width(), image.height());
    let (layout, pixels) = if image.color().has_alpha() {
        (Layout::Rgba, image.into_rgba8().into_raw())
    } else if image.color().has_color() {
        (Layout::Rgb, image.into_rgb8().into_raw())
    } else {
        (Layout::Grey, image.into_luma8().into_raw())
    };
    let raster =
        Raster::new(width, height, layout, pixels).ok_or_else(|| fault::corrupt(format))?;
    Ok(Decoded { raster, profile })
}

fn frame(mut decoder: impl ImageDecoder) -> ImageResult<(DynamicImage, Option<Vec<u8>>)> {
    // Trap: with our limit, the decoder of a small TIFF leaves no room for the profile. So the profile is read first,
    // under the decoder's default limits, which are large enough for any profile.
    let profile = decoder.icc_profile()?;
    reader::limit(&mut decoder)?;
    Ok((DynamicImage::from_decoder(decoder)?, profile))
}

fn failure(cause: &ImageError, format: Format) -> Failure {
    match cause {
        ImageError::IoError(cause) if cause.kind() == ErrorKind::UnexpectedEof => {
            fault::truncated(format)
        }
        ImageError::Unsupported(_) => {
            fault::unsupported(&format!("This kind of {}", format.name()))
        }
        ImageError::Limits(_) => {
            fault::unsupported(&format!("A {} with frames of this size", format.name()))
        }
        ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::IoError(_) => fault::corrupt(format),
    }
}
