//! TIFF of the kinds that `image` refuses: palettes, YCbCr, grey with alpha, grey of 2, 4 and 32 bits.
//!
//! The `tiff` crate reads the tags (`tags`), and what they say of the first page is here. `probe` and `decode` use it.

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

/// What a failure of the `tiff` crate means.
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
