//! Everything without a faster path: whole frames by the `image` crate.

use std::io::{BufRead, Cursor, ErrorKind, Seek};

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, ico::IcoDecoder};
use image::{DynamicImage, ImageDecoder, ImageError, Limits};
use shared::problem::Failure;

use super::Decoded;
use crate::fault;
use crate::picture::{Layout, Picture};
use crate::probe::end_of_first_frame;
use crate::sniff::Format;

/// What a decoder may allocate by itself: the estimate has admitted the picture, this is the second lock.
const ALLOC_MAX_BYTES: u64 = if cfg!(target_arch = "wasm32") {
    1024 * 1024 * 1024
} else {
    4 * 1024 * 1024 * 1024
};

/// The decoder of a format, with its limits; only the header is read.
pub(crate) fn decoder<'a, R: BufRead + Seek + 'a>(
    source: R,
    format: Format,
) -> Result<Box<dyn ImageDecoder + 'a>, ImageError> {
    let mut decoder = unlimited(source, format)?;
    limit(&mut decoder)?;
    Ok(decoder)
}

fn limit(decoder: &mut impl ImageDecoder) -> Result<(), ImageError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(ALLOC_MAX_BYTES);
    decoder.set_limits(limits)
}

fn unlimited<'a, R: BufRead + Seek + 'a>(
    source: R,
    format: Format,
) -> Result<Box<dyn ImageDecoder + 'a>, ImageError> {
    Ok(match format {
        Format::Gif => Box::new(GifDecoder::new(source)?),
        Format::Ico => Box::new(IcoDecoder::new(source)?),
        #[cfg(not(target_arch = "wasm32"))]
        Format::Tiff => Box::new(image::codecs::tiff::TiffDecoder::new(source)?),
        _ => Box::new(BmpDecoder::new(source)?),
    })
}

pub(super) fn decode(data: &[u8], format: Format) -> Result<Decoded, Failure> {
    if format == Format::Gif && !end_of_first_frame(data) {
        return Err(fault::truncated(Format::Gif));
    }
    let (image, profile) = frame(data, format).map_err(|cause| failure(&cause, format))?;
    let (width, height) = (image.width(), image.height());
    let (layout, pixels) = if image.color().has_alpha() {
        (Layout::Rgba, image.into_rgba8().into_raw())
    } else if image.color().has_color() {
        (Layout::Rgb, image.into_rgb8().into_raw())
    } else {
        (Layout::Grey, image.into_luma8().into_raw())
    };
    let picture =
        Picture::new(width, height, layout, pixels).ok_or_else(|| fault::corrupt(format))?;
    Ok(Decoded { picture, profile })
}

fn frame(data: &[u8], format: Format) -> Result<(DynamicImage, Option<Vec<u8>>), ImageError> {
    let mut decoder = unlimited(Cursor::new(data), format)?;
    // Trap: the limits of a small TIFF leave no room for its profile. Without them it may have as much as it likes of the
    // decoder's own, which are enough for any profile.
    let profile = decoder.icc_profile()?;
    limit(&mut decoder)?;
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
