//! Whether a plan takes an image: decided by its header, before a pixel is read.

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

/// What a prefix of a file says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// The header is complete and the plan takes the image.
    Ready(Summary),
    /// The prefix ends within the header.
    NeedMore,
}

/// The header in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Format by content.
    pub format: Format,
    /// Width as stored, in pixels.
    pub width: u32,
    /// Height as stored, in pixels.
    pub height: u32,
    /// Estimate of all memory that making the plan's variants takes, the file itself included.
    pub memory_bytes: u64,
}

/// Reads the header at the start of a file of `size_bytes` and decides whether `plan` takes the image.
/// Allocates nothing of the image's size. `NeedMore` on a large prefix is fine: [`Session::open`] decides again.
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

/// Checks a header against the plan; gives the memory estimate.
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
