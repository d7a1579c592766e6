//! Reads the header of a TIFF: with `crate::tiff` for the kinds that the `image` crate rejects, and else with `image`.

use std::io::ErrorKind;

use image::{ColorType, ImageDecoder, ImageError};
use shared::problem::Failure;
use tiff::TiffError;

use super::header::{Coding, Header};
use crate::fault;
use crate::format::Format;
use crate::number;
use crate::pixels::orient::Orientation;
use crate::reader;
use crate::tiff::failure;
use crate::tiff::page::Page;

pub(super) fn read(data: &[u8]) -> Result<Option<Header>, Failure> {
    match Page::read(data) {
        Ok(Some(page)) => Ok(Some(Header {
            format: Format::Tiff,
            width: page.width,
            height: page.height,
            orientation: page.orientation,
            coding: Coding::Whole {
                buffer_bytes: page.buffer_bytes(number::bytes(data.len())),
            },
        })),
        Ok(None) => by_image(data),
        Err(TiffError::IoError(cause)) if cause.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(cause) => Err(failure(&cause)),
    }
}

/// Reads the header of a kind that `image` supports.
fn by_image(data: &[u8]) -> Result<Option<Header>, Failure> {
    let opened = reader::tiff(data).and_then(|mut decoder| {
        reader::limit(&mut decoder)?;
        Ok(decoder)
    });
    let mut decoder = match opened {
        Ok(decoder) => decoder,
        Err(ImageError::IoError(cause)) if cause.kind() == ErrorKind::UnexpectedEof => {
            return Ok(None);
        }
        Err(ImageError::Unsupported(_)) => return Err(fault::unsupported("This kind of TIFF")),
        Err(_) => return Err(fault::corrupt(Format::Tiff)),
    };
    let (width, height) = decoder.dimensions();
    // The decoder copies its buffer once. Samples other than bytes need one more buffer to be converted.
    let is_direct = matches!(
        decoder.color_type(),
        ColorType::L8 | ColorType::Rgb8 | ColorType::Rgba8
    );
    let copies = if is_direct { 1 } else { 2 };
    // A damaged orientation is ignored, as in EXIF.
    let orientation = decoder
        .orientation()
        .ok()
        .and_then(|orientation| Orientation::from_tag(orientation.to_exif().into()))
        .unwrap_or(Orientation::UPRIGHT);
    Ok(Some(Header {
        format: Format::Tiff,
        width,
        height,
        orientation,
        coding: Coding::Whole {
            buffer_bytes: decoder.total_bytes().saturating_mul(copies),
        },
    }))
}
