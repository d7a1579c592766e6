//! What an image's header says: enough to refuse it, or to decode it small, before a pixel is read.

mod exif;
pub(crate) mod gif;
pub(crate) mod header;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod heif;
pub(crate) mod jpeg;
mod png;
mod sniff;
#[cfg(not(target_arch = "wasm32"))]
mod tiff;
pub(crate) mod webp;

use shared::problem::{ErrorCode, Failure};

use self::header::Header;
use self::sniff::{Sniffed, sniff};
use crate::fault;
use crate::format::Format;

/// Reads the header of a complete file.
pub(crate) fn whole(data: &[u8]) -> Result<Header, Failure> {
    read(data, true)?.ok_or_else(|| match sniff(data) {
        Ok(Sniffed::Known(format)) => fault::truncated(format),
        Ok(Sniffed::NeedMore) | Err(_) => Failure::new(
            ErrorCode::ImageTruncated,
            "The file ends within its first bytes, so there is no image in it. Upload the complete file.",
        ),
    })
}

/// Header at the start of `data`; `None` if it goes on beyond. Metadata at the end (orientation) is only
/// looked for when `is_whole`.
pub(crate) fn read(data: &[u8], is_whole: bool) -> Result<Option<Header>, Failure> {
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
        #[cfg(not(target_arch = "wasm32"))]
        Format::Avif | Format::Heic => heif::read(data, format)?,
        #[cfg(target_arch = "wasm32")]
        Format::Tiff | Format::Avif | Format::Heic => {
            return Err(fault::internal("read this format"));
        }
    };
    match header {
        Some(found) if found.width == 0 || found.height == 0 => {
            Err(fault::dimensions(found.width, found.height))
        }
        found => Ok(found),
    }
}
