//! What a picture's header says: enough to refuse it, or to decode it small, before a pixel is read.

mod gif;
#[cfg(not(target_arch = "wasm32"))]
mod heif;
mod jpeg;
mod other;
mod png;
#[cfg(not(target_arch = "wasm32"))]
mod tiff;
mod webp;

use shared::image::ImagePlan;
use shared::problem::{ErrorCode, Failure};

use crate::chain;
use crate::encode;
use crate::fault;
use crate::memory;
use crate::number;
use crate::orient::Orientation;
use crate::sniff::{Format, Sniffed, sniff};

pub(crate) use gif::end_of_first_frame;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use heif::split as heif_transforms;
pub(crate) use jpeg::marker as jpeg_marker;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use jpeg::read as jpeg_header;
pub(crate) use webp::{FRAME_HEAD_BYTES as WEBP_FRAME_HEAD_BYTES, file_chunks as webp_chunks};

/// A header as read.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) format: Format,
    /// Width as stored.
    pub(crate) width: u32,
    /// Height as stored.
    pub(crate) height: u32,
    pub(crate) orientation: Orientation,
    pub(crate) coding: Coding,
}

impl Header {
    /// Width and height as shown.
    pub(crate) const fn shown(&self) -> (u32, u32) {
        self.orientation.turn(self.width, self.height)
    }
}

/// What a format's decoder has to know beforehand, and the memory estimate with it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Coding {
    /// Lossy blocks.
    Jpeg {
        /// All coefficients must be held until the last pass.
        is_progressive: bool,
        /// Colour components, 1, 3 or 4.
        components: u8,
        /// Samples stored per pixel over all components: 1.5 for 4:2:0.
        samples_per_pixel: f64,
        /// What the components mean.
        colour: JpegColour,
    },
    /// Filtered rows.
    Png {
        /// Rows come in seven passes, so that the whole frame must be held.
        is_interlaced: bool,
        /// Channels after expansion of palettes and transparency.
        channels: u8,
    },
    /// `VP8`, or `VP8L`.
    WebP {
        /// The whole frame is decoded before it is scaled.
        is_lossless: bool,
        /// There is an alpha channel.
        has_alpha: bool,
        /// The first frame is inside an `ANMF` chunk.
        is_animated: bool,
    },
    /// Whole frames through the `image` crate.
    Whole {
        /// Bytes of the decoder's buffers beside the picture itself.
        buffer_bytes: u64,
    },
}

/// What the components of a JPEG mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JpegColour {
    /// One component.
    Grey,
    /// Three, as nearly always.
    YCbCr,
    /// Three, stored without a transform.
    Rgb,
    /// Four inks, transformed or not; 0 is full ink where `is_inverted`, as Adobe stores them.
    Cmyk {
        /// An Adobe marker is there.
        is_inverted: bool,
    },
}

/// What a prefix of a file says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// The header is complete and the plan takes the picture.
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

/// Reads the header at the start of a file of `size_bytes` and decides whether `plan` takes the picture.
/// Allocates nothing of the picture's size. `NeedMore` on a large prefix is fine: [`Session::open`] decides again.
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

/// Reads the header of a complete file.
pub(crate) fn whole(data: &[u8]) -> Result<Header, Failure> {
    read(data, true)?.ok_or_else(|| match sniff(data) {
        Ok(Sniffed::Known(format)) => fault::truncated(format),
        Ok(Sniffed::NeedMore) | Err(_) => Failure::new(
            ErrorCode::ImageTruncated,
            "The file ends within its first bytes, so there is no picture in it. Upload the complete file.",
        ),
    })
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
    let shrink = chain::shrink(header, plan);
    let needed = memory::estimate(header, size_bytes, &shrink, plan);
    if needed > plan.memory_max_bytes {
        return Err(fault::memory(needed, plan.memory_max_bytes));
    }
    Ok(needed)
}

/// Header at the start of `data`; `None` if it goes on beyond. Metadata at the end (orientation) is only
/// looked for when `is_whole`.
fn read(data: &[u8], is_whole: bool) -> Result<Option<Header>, Failure> {
    let Sniffed::Known(format) = sniff(data)? else {
        return Ok(None);
    };
    let header = match format {
        Format::Jpeg => jpeg::read(data)?,
        Format::Png => png::read(data)?,
        Format::WebP => webp::read(data, is_whole)?,
        Format::Gif => gif::read(data)?,
        #[cfg(not(target_arch = "wasm32"))]
        Format::Tiff => tiff::read(data)?,
        #[cfg(target_arch = "wasm32")]
        Format::Tiff => other::read(data, format)?,
        Format::Bmp | Format::Ico => other::read(data, format)?,
        #[cfg(not(target_arch = "wasm32"))]
        Format::Avif | Format::Heic => heif::read(data, format)?,
        #[cfg(target_arch = "wasm32")]
        Format::Avif | Format::Heic => return Err(fault::internal("read this format")),
    };
    match header {
        Some(found) if found.width == 0 || found.height == 0 => {
            Err(fault::dimensions(found.width, found.height))
        }
        found => Ok(found),
    }
}
