//! Headers of the formats without a path of their own, by the `image` crate.

use std::io::{Cursor, ErrorKind};

use image::{ImageDecoder, ImageError};
use shared::problem::Failure;

use super::{Coding, Header};
use crate::decode::other::decoder;
use crate::fault;
use crate::orient::Orientation;
use crate::sniff::Format;

pub(super) fn read(data: &[u8], format: Format) -> Result<Option<Header>, Failure> {
    let decoder = match decoder(Cursor::new(data), format) {
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
    Ok(Some(Header {
        format,
        width,
        height,
        orientation: Orientation::UPRIGHT,
        // The decoder's pixels, and the same again for the conversion to eight bits or a frame inside a frame.
        coding: Coding::Whole {
            buffer_bytes: decoder.total_bytes().saturating_mul(2),
        },
    }))
}
