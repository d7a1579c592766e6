//! Checks an image against the limits of a plan, by its header, before any pixel is decoded.

mod memory;

use shared::image::ImagePlan;
use shared::problem::Failure;

use crate::encode;
use crate::fault;
use crate::format::Format;
use crate::number;
use crate::probe::header::Header;
use crate::probe::read;
use crate::scale::Shrink;

/// What the first bytes of a file show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// The header is complete, and the plan allows the image.
    Ready(Summary),
    /// The header continues after these bytes.
    NeedMore,
}

/// The format, size and memory estimate of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Format, by the content of the file.
    pub format: Format,
    /// Width before the image is turned upright, in pixels.
    pub width: u32,
    /// Height before the image is turned upright, in pixels.
    pub height: u32,
    /// Estimated memory for making all variants of the plan, including the file itself, in bytes.
    pub memory_bytes: u64,
}

/// Reads the header of a file of `size_bytes` from its first bytes, and checks it against the plan. Allocates nothing
/// that depends on the size of the image.
///
/// If even a long prefix gives `NeedMore`, the caller can read the whole file and open it: [`Session::open`] repeats
/// the check.
///
/// # Errors
/// `image_memory_exceeded` or `image_too_large` if the image exceeds a limit of the plan, `image_unsupported` if this
/// build cannot decode the file or encode a variant, `image_dimensions_invalid`, `image_corrupt` or `image_truncated`
/// if the header is invalid.
///
/// [`Session::open`]: crate::Session::open
pub fn probe(prefix: &[u8], size_bytes: u64, plan: &ImagePlan) -> Result<Probe, Failure> {
    if size_bytes > plan.memory_max_bytes {
        return Err(fault::memory(size_bytes, plan.memory_max_bytes));
    }
    let is_whole = number::bytes(prefix.len()) >= size_bytes;
    let Some(header) = read(prefix, is_whole)? else {
        return Ok(Probe::NeedMore);
    };
    let memory_bytes = admit(&header, size_bytes, plan)?;
    Ok(Probe::Ready(Summary {
        format: header.format,
        width: header.width,
        height: header.height,
        memory_bytes,
    }))
}

/// Checks a header against the plan. Returns the estimated memory in bytes.
pub(crate) fn admit(header: &Header, size_bytes: u64, plan: &ImagePlan) -> Result<u64, Failure> {
    if !plan.variants.iter().all(|spec| encode::makes(spec.format)) {
        return Err(fault::not_encoded());
    }
    let (width, height) = header.shown();
    if number::area(width, height) > plan.pixels_max {
        return Err(fault::too_large(width, height, plan.pixels_max));
    }
    let shrink = Shrink::for_plan(header, plan);
    let needed = memory::estimate(header, size_bytes, &shrink, plan);
    if needed > plan.memory_max_bytes {
        return Err(fault::memory(needed, plan.memory_max_bytes));
    }
    Ok(needed)
}
