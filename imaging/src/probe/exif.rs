//! Reads the orientation from an EXIF block, and nothing else.

use crate::bytes::{be16, be32, le16, le32};
use crate::number;
use crate::pixels::orient::Orientation;

/// Maximum number of entries that are read from a directory. Real files have about twenty. The limit bounds the time
/// for hostile files.
const ENTRIES_MAX: usize = 512;
const ENTRY_BYTES: usize = 12;
const TAG_ORIENTATION: u16 = 0x0112;
const TYPE_SHORT: u16 = 3;

/// Reads the orientation from `block`, a TIFF structure with or without `Exif\0\0` before it. `None` if the block is
/// damaged, so that the image can still be used.
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
