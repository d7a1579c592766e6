//! Headers of the formats without a path of their own, by the `image` crate.

use std::io::{Cursor, ErrorKind};

use image::{ColorType, ImageDecoder, ImageError};
use shared::problem::Failure;

use super::{Coding, Header};
use crate::decode::other::decoder;
use crate::fault;
use crate::orient::Orientation;
use crate::sniff::Format;

pub(super) fn read(data: &[u8], format: Format) -> Result<Option<Header>, Failure> {
    let mut decoder = match decoder(Cursor::new(data), format) {
        Ok(decoder) => decoder,
        Err(ImageError::IoError(cause)) if cause.kind() == ErrorKind::UnexpectedEof => {
            return Ok(None);
        }
        Err(ImageError::Unsupported(_)) => {
            return Err(fault::unsupported(&format!(
                "This kind of {}",
                format.name()
            )));
        }
        Err(_) => return Err(fault::corrupt(format)),
    };
    let (width, height) = decoder.dimensions();
    // Icons are files within the file, and other pixels than bytes are converted: both need a second buffer.
    let is_direct = matches!(
        decoder.color_type(),
        ColorType::L8 | ColorType::Rgb8 | ColorType::Rgba8
    );
    let buffer_bytes = if is_direct && format != Format::Ico {
        0
    } else {
        decoder.total_bytes()
    };
    // The TIFF decoder hands over a copy.
    let buffer_bytes = if format == Format::Tiff {
        buffer_bytes.saturating_add(decoder.total_bytes())
    } else {
        buffer_bytes
    };
    Ok(Some(Header {
        format,
        width,
        height,
        orientation: orientation(&mut decoder, format),
        coding: Coding::Whole { buffer_bytes },
    }))
}

/// How the picture lies; only TIFF says. A damaged entry says nothing, as in EXIF.
fn orientation(decoder: &mut impl ImageDecoder, format: Format) -> Orientation {
    if format != Format::Tiff {
        return Orientation::UPRIGHT;
    }
    decoder
        .orientation()
        .ok()
        .and_then(|orientation| Orientation::from_tag(orientation.to_exif().into()))
        .unwrap_or(Orientation::UPRIGHT)
}
