//! Recognises the format of a file by its first bytes. The declared type is not used, because it may be wrong.

use shared::problem::{ErrorCode, Failure};

use crate::fault;
use crate::format::Format;

/// Signatures of the supported formats. WebP and HEIF are checked separately.
const DECODED: [(&[u8], Format); 8] = [
    (b"\xff\xd8\xff", Format::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Format::Png),
    (b"GIF87a", Format::Gif),
    (b"GIF89a", Format::Gif),
    (b"II*\x00", Format::Tiff),
    (b"MM\x00*", Format::Tiff),
    // BigTIFF.
    (b"II+\x00", Format::Tiff),
    (b"MM\x00+", Format::Tiff),
];

/// Bytes after which every signature is decided.
const SIGNATURE_MAX_BYTES: usize = 12;

/// What the first bytes show.
pub(crate) enum Sniffed {
    /// The format of the file.
    Known(Format),
    /// The format depends on further bytes.
    NeedMore,
}

/// Recognises the format of a file that starts with `prefix`.
///
/// # Errors
/// `image_unsupported` if this build cannot decode the format.
pub(crate) fn sniff(prefix: &[u8]) -> Result<Sniffed, Failure> {
    if let Some(&(_, format)) = DECODED
        .iter()
        .find(|(signature, _)| prefix.starts_with(signature))
    {
        return if format == Format::Tiff && cfg!(target_arch = "wasm32") {
            Err(fault::unsupported("A TIFF image"))
        } else {
            Ok(Sniffed::Known(format))
        };
    }
    if prefix.starts_with(b"RIFF") && prefix.get(8..12) == Some(b"WEBP") {
        return Ok(Sniffed::Known(Format::WebP));
    }
    if prefix.len() < SIGNATURE_MAX_BYTES {
        return Ok(Sniffed::NeedMore);
    }
    #[cfg(not(target_arch = "wasm32"))]
    if let Some(sniffed) = brands(prefix) {
        return Ok(sniffed);
    }
    Err(foreign(prefix))
}

/// Recognises AVIF and HEIC by the brands of the `ftyp` box (ISO/IEC 14496-12, 4.3). `None` if it has none of them.
#[cfg(not(target_arch = "wasm32"))]
fn brands(prefix: &[u8]) -> Option<Sniffed> {
    /// Largest `ftyp` box. Real ones have a few dozen bytes.
    const BRANDS_MAX_BYTES: usize = 1024;
    const MAJOR_AT: usize = 8;
    const COMPATIBLE_AT: usize = 16;
    let kind = prefix.get(4..MAJOR_AT)?;
    let size = crate::number::length(crate::bytes::be32(prefix, 0)?);
    if kind != b"ftyp" || size > BRANDS_MAX_BYTES {
        return None;
    }
    let list = prefix.get(..size).unwrap_or(prefix);
    let (major, _) = list.get(MAJOR_AT..)?.split_first_chunk::<4>()?;
    let compatible = list.get(COMPATIBLE_AT..).unwrap_or_default();
    let (compatible, _) = compatible.as_chunks::<4>();
    let names = |wanted: &[&[u8; 4]]| {
        std::iter::once(major)
            .chain(compatible)
            .any(|brand| wanted.contains(&brand))
    };
    if names(&[b"avif", b"avis"]) {
        return Some(Sniffed::Known(Format::Avif));
    }
    // The general brands do not name a codec. A brand that does may still follow.
    let is_general = names(&[b"mif1", b"msf1"]);
    if names(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"])
        || (is_general && prefix.len() >= size)
    {
        return Some(Sniffed::Known(Format::Heic));
    }
    is_general.then_some(Sniffed::NeedMore)
}

/// The failure for an unsupported format. Names the formats that people often upload.
fn foreign(prefix: &[u8]) -> Failure {
    let brand = prefix.get(4..12).unwrap_or_default();
    if brand.starts_with(b"ftypavi") {
        fault::unsupported("An AVIF image")
    } else if brand.starts_with(b"ftyphe")
        || brand.starts_with(b"ftypmif1")
        || brand.starts_with(b"ftypmsf1")
    {
        fault::unsupported("A HEIC image")
    } else if prefix.starts_with(b"\xff\x0a") || prefix.starts_with(b"\x00\x00\x00\x0cJXL ") {
        fault::unsupported("A JPEG XL image")
    } else if prefix.starts_with(b"<svg") || prefix.starts_with(b"<?xml") {
        fault::unsupported("An SVG image")
    } else {
        Failure::new(
            ErrorCode::ImageUnsupported,
            "The image format is unknown. Upload a JPEG, PNG, WebP or GIF file.",
        )
    }
}
