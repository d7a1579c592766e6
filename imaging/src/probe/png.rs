//! Reads the header chunk of a PNG, and the transparency and orientation chunks, wherever they are.

use shared::problem::Failure;

use super::exif;
use super::header::{Coding, Header};
use crate::bytes::{array, be32};
use crate::fault;
use crate::format::Format;
use crate::number;
use crate::pixels::orient::Orientation;

/// Bytes of the length and type before the data of a chunk.
const CHUNK_HEAD_BYTES: usize = 8;
/// Bytes of a chunk without data: length, type and checksum.
const CHUNK_BYTES: usize = 12;
const SIGNATURE_BYTES: usize = 8;

/// Largest width and height (PNG, 11.2.1).
const SIDE_MAX: u32 = 0x7fff_ffff;

pub(super) fn read(data: &[u8]) -> Result<Option<Header>, Failure> {
    let Some(head) = data.get(SIGNATURE_BYTES..SIGNATURE_BYTES + CHUNK_HEAD_BYTES + 13) else {
        return Ok(None);
    };
    let corrupt = || fault::corrupt(Format::Png);
    if !head.starts_with(b"\0\0\0\x0dIHDR") {
        return Err(corrupt());
    }
    let (width, height) = be32(head, 8).zip(be32(head, 12)).ok_or_else(corrupt)?;
    let [colour, _, _, interlace] = array(head, 17).ok_or_else(corrupt)?;
    let channels = match colour {
        0 => 1,
        2 => 3,
        // Palettes and grey with alpha are decoded as RGBA.
        3 | 4 | 6 => 4,
        _ => return Err(corrupt()),
    };
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(fault::dimensions(width, height));
    }
    let tail = chunks(data);
    Ok(Some(Header {
        format: Format::Png,
        width,
        height,
        orientation: tail.orientation.unwrap_or(Orientation::UPRIGHT),
        coding: Coding::Png {
            is_interlaced: interlace == 1,
            channels: if tail.has_transparency { 4 } else { channels },
        },
    }))
}

/// What the chunks after the header say.
#[derive(Default)]
struct Tail {
    orientation: Option<Orientation>,
    has_transparency: bool,
}

/// Walks over all chunks in `data`. Does not decode pixels.
fn chunks(data: &[u8]) -> Tail {
    let mut tail = Tail::default();
    let mut at = SIGNATURE_BYTES;
    while let Some((length, kind)) = be32(data, at).zip(array::<4>(data, at + 4)) {
        let length = number::length(length);
        let body = data
            .get(at + CHUNK_HEAD_BYTES..)
            .and_then(|rest| rest.get(..length));
        match &kind {
            b"eXIf" => {
                tail.orientation = tail
                    .orientation
                    .or_else(|| body.and_then(exif::orientation));
            }
            b"tRNS" => tail.has_transparency = true,
            b"IEND" => break,
            _ => {}
        }
        let Some(next) = at
            .checked_add(CHUNK_BYTES)
            .and_then(|at| at.checked_add(length))
        else {
            break;
        };
        at = next;
    }
    tail
}
