//! Reads the header of an image: enough to reject it, or to choose the size at which it is decoded.

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
            "The file is too short to contain an image. Upload the complete file.",
        ),
    })
}

/// Reads the header at the start of a file. `None` if it continues after `data`. `is_whole` says whether `data` is the
/// complete file.
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
