//! Reads the screen descriptor of a GIF, and its blocks up to the first frame.

use shared::problem::Failure;

use super::header::{Coding, Header};
use crate::bytes::{array, le16};
use crate::fault;
use crate::format::Format;
use crate::number;
use crate::pixels::orient::Orientation;

const SCREEN_BYTES: usize = 13;
/// Bytes of an image descriptor: separator, rectangle and flags.
const FRAME_BYTES: usize = 10;
const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2c;

pub(super) fn read(data: &[u8]) -> Result<Option<Header>, Failure> {
    let Some((width, height)) = le16(data, 6).zip(le16(data, 8)) else {
        return Ok(None);
    };
    let frame = match first_frame(data)? {
        Some(at) => array(data, at + 1),
        None => None,
    };
    let Some([l0, l1, _, _, w0, w1, h0, h1]) = frame else {
        return Ok(None);
    };
    let (left, frame_width) = (u16::from_le_bytes([l0, l1]), u16::from_le_bytes([w0, w1]));
    // The decoder holds one palette index per pixel. A frame that does not cover all columns is also decoded to a
    // buffer of its own, as RGBA.
    let per_pixel = if left == 0 && frame_width == width {
        1
    } else {
        5
    };
    let frame_height = u16::from_le_bytes([h0, h1]);
    let frame_area = number::area(u32::from(frame_width), u32::from(frame_height));
    Ok(Some(Header {
        format: Format::Gif,
        width: u32::from(width),
        height: u32::from(height),
        orientation: Orientation::UPRIGHT,
        coding: Coding::Whole {
            buffer_bytes: per_pixel * frame_area,
        },
    }))
}

/// Whether the first frame is complete, and no later frame is cut. The decoder does not read later frames, but a cut
/// file is not the file that the user meant to upload.
pub(crate) fn end_of_first_frame(data: &[u8]) -> bool {
    let Ok(Some(mut at)) = first_frame(data) else {
        return false;
    };
    let mut frames = 0;
    loop {
        let next = match data.get(at) {
            Some(&FRAME) => frame_end(data, at).inspect(|_| frames += 1),
            Some(&EXTENSION) => blocks_end(data, at + 2),
            // The trailer, or junk after complete frames, which every decoder ignores. Or the end of the data: an
            // animation that is cut between two frames looks like a complete one.
            _ => return frames > 0,
        };
        match next {
            Some(next) => at = next,
            None => return false,
        }
    }
}

/// Offset of the descriptor of the first frame. `None` if it lies beyond `data`.
fn first_frame(data: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(flags) = data.get(10) else {
        return Ok(None);
    };
    let mut at = SCREEN_BYTES + palette_bytes(*flags);
    loop {
        match data.get(at) {
            Some(&FRAME) => return Ok(Some(at)),
            Some(&EXTENSION) => match blocks_end(data, at + 2) {
                Some(next) => at = next,
                None => return Ok(None),
            },
            Some(_) => return Err(fault::corrupt(Format::Gif)),
            None => return Ok(None),
        }
    }
}

/// End of the frame at `at`, which consists of descriptor, palette, code size and data blocks.
fn frame_end(data: &[u8], at: usize) -> Option<usize> {
    let [flags] = array(data, at + FRAME_BYTES - 1)?;
    blocks_end(data, at + FRAME_BYTES + palette_bytes(flags) + 1)
}

/// End of the data blocks that start at `at`. Each starts with its length, and an empty block is the last.
fn blocks_end(data: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    loop {
        let length = usize::from(*data.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

/// Bytes of the palette, from a flags byte.
fn palette_bytes(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}
