//! TIFF files of the kinds that the `image` crate rejects: palettes, YCbCr, grey with alpha, and grey with 2, 4 and 32
//! bits.
//!
//! This module reads the tags of the first page, for `probe` and `decode`.

pub(crate) mod grid;
pub(crate) mod page;
pub(crate) mod samples;
mod tags;
mod ycbcr;

use std::io::ErrorKind;

use shared::problem::Failure;
use tiff::TiffError;

use crate::fault;
use crate::format::Format;

/// Converts an error of the `tiff` crate to a failure.
pub(crate) fn failure(cause: &TiffError) -> Failure {
    match cause {
        TiffError::IoError(cause) if cause.kind() == ErrorKind::UnexpectedEof => {
            fault::truncated(Format::Tiff)
        }
        TiffError::UnsupportedError(_) => fault::unsupported("This kind of TIFF"),
        TiffError::LimitsExceeded => fault::unsupported("A TIFF with frames of this size"),
        TiffError::IoError(_)
        | TiffError::FormatError(_)
        | TiffError::IntSizeError
        | TiffError::UsageError(_) => fault::corrupt(Format::Tiff),
    }
}
