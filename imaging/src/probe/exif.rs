//! The orientation tag of an EXIF block, and nothing else of it.

use crate::bytes::{be16, be32, le16, le32};
use crate::number;
use crate::pixels::orient::Orientation;

/// Tags read of one directory: real files have about twenty, a malicious one shall not keep us busy.
const ENTRIES_MAX: usize = 512;
const ENTRY_BYTES: usize = 12;
const TAG_ORIENTATION: u16 = 0x0112;
const TYPE_SHORT: u16 = 3;

/// Orientation in `block`, a TIFF structure with or without the `Exif\0\0` before it. A damaged block has
/// none: an image is worth more than its metadata.
pub(crate) fn orientation(block: &[u8]) -> Option<Orientation> {
    let tiff = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let is_little_endian = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| {
        if is_little_endian {
            le16(tiff, at)
        } else {
            be16(tiff, at)
        }
    };
    let directory = number::length(if is_little_endian {
        le32(tiff, 4)
    } else {
        be32(tiff, 4)
    }?);
    let count = usize::from(short(directory)?).min(ENTRIES_MAX);
    let first = directory.checked_add(2)?;
    (0..count)
        .filter_map(|entry| first.checked_add(entry * ENTRY_BYTES))
        .find(|&at| short(at) == Some(TAG_ORIENTATION) && short(at + 2) == Some(TYPE_SHORT))
        .and_then(|at| short(at + 8))
        .and_then(Orientation::from_tag)
}
