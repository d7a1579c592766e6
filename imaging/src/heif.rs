//! HEIF, the container of AVIF and HEIC. It holds items with properties; one of them is the primary image.
//!
//! heic-rs parses the boxes of both formats. This module limits what a hostile file can make it do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use heic_rs::boxes::BoxIter;
use heic_rs::context::Context;
use heic_rs::error::{Error, Result};
use heic_rs::ftyp::{Brand, FileType};
use heic_rs::meta;
use shared::problem::Failure;

use crate::fault;
use crate::format::Format;

/// Largest `meta` box that is parsed. Real files have a few kB, plus a colour profile. heic-rs searches the lists in
/// the box linearly, so this also limits the time.
const META_MAX_BYTES: usize = 256 * 1024;

/// Opens a file.
///
/// # Errors
/// [`Error::Truncated`] if the file ends before its metadata does.
pub(crate) fn open(file: &[u8]) -> Result<Context<'_>> {
    let boxed = BoxIter::new(file)
        .find(b"meta")?
        .ok_or(Error::Truncated("meta"))?;
    if boxed.payload.len() > META_MAX_BYTES {
        return Err(Error::Unsupported("metadata of this size"));
    }
    Ok(Context {
        file,
        // `probe::sniff` has already checked the brands. heic-rs itself accepts only those of HEIC.
        ftyp: FileType {
            major: Brand::Mif1,
            effective: Brand::Mif1,
            minor_version: 0,
            compatible_count: 0,
        },
        meta: meta::parse(file)?,
    })
}

/// Runs `step` and turns a panic of a decoder into an error, if the build unwinds.
pub(crate) fn guarded<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or(Err(Error::Malformed("the decoder panicked")))
}

/// Converts an error of heic-rs to a failure.
pub(crate) fn failure(cause: &Error, format: Format) -> Failure {
    match cause {
        Error::Truncated(_) => fault::truncated(format),
        Error::Unsupported(_) => fault::unsupported(&format!("This kind of {}", format.name())),
        Error::Malformed(_)
        | Error::MissingBox(_)
        | Error::MissingItem(_)
        | Error::MissingParameterSet(_)
        | Error::CyclicDerivation(_)
        | Error::PixelLimit { .. }
        | Error::BoxTooLarge { .. }
        | Error::Io(_)
        | _ => fault::corrupt(format),
    }
}
