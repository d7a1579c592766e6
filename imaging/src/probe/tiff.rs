//! The TIFF header: of the kinds that `image` refuses, else by `image`.

use std::io::ErrorKind;

use shared::problem::Failure;
use tiff::TiffError;

use super::{Coding, Header, other};
use crate::decode::tiff::{Page, failure};
use crate::number;
use crate::sniff::Format;

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
        Ok(None) => other::read(data, Format::Tiff),
        Err(TiffError::IoError(cause)) if cause.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(cause) => Err(failure(&cause)),
    }
}
