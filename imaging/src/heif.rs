//! HEIF, the container that AVIF and HEIC share: items with properties, one of them the primary image.
//!
//! The boxes are read by heic-rs, for both; what is here bounds what a file can make it do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use heic_rs::boxes::BoxIter;
use heic_rs::context::Context;
use heic_rs::error::{Error, Result};
use heic_rs::ftyp::{Brand, FileType};
use heic_rs::meta;
use shared::problem::Failure;

use crate::fault;
use crate::format::Format;

/// Real files have a few kB of metadata, plus a colour profile. Lists in it are searched item by item, so that this also
/// bounds time.
const META_MAX_BYTES: usize = 256 * 1024;

/// Opens a file. A file cut before its metadata ends is [`Error::Truncated`].
pub(crate) fn open(file: &[u8]) -> Result<Context<'_>> {
    let boxed = BoxIter::new(file)
        .find(b"meta")?
        .ok_or(Error::Truncated("meta"))?;
    if boxed.payload.len() > META_MAX_BYTES {
        return Err(Error::Unsupported("metadata of this size"));
    }
    Ok(Context {
        file,
        // The brands were looked at before; heic-rs itself would take HEIC only.
        ftyp: FileType {
            major: Brand::Mif1,
            effective: Brand::Mif1,
            minor_version: 0,
            compatible_count: 0,
        },
        meta: meta::parse(file)?,
    })
}

/// Runs a step on a hostile file: where the build unwinds, a panic in a decoder is the file's failure.
pub(crate) fn guarded<T>(step: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(step))
        .unwrap_or(Err(Error::Malformed("the decoder gave up on it")))
}

/// The failure in our words.
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
