//! Reads the container of a WebP: RIFF chunks around a `VP8` or `VP8L` bitstream.

use shared::problem::Failure;

use super::exif;
use super::header::{Coding, Header};
use crate::bytes::{array, le16, le24, le32};
use crate::fault;
use crate::format::Format;
use crate::number;
use crate::pixels::orient::Orientation;

const RIFF_HEAD_BYTES: usize = 12;
const CHUNK_HEAD_BYTES: usize = 8;
/// Bytes of offset, size, duration and flags in an `ANMF` chunk, before the chunks of the frame.
pub(crate) const FRAME_HEAD_BYTES: usize = 16;

const FLAG_ANIMATION: u8 = 0x02;
const FLAG_ALPHA: u8 = 0x10;

/// A RIFF chunk.
#[derive(Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) kind: [u8; 4],
    /// The data of the chunk, as far as it lies within the file.
    pub(crate) body: &'a [u8],
}

/// The chunks of `data` from `at` on.
pub(crate) fn chunks(data: &[u8], at: usize) -> impl Iterator<Item = Chunk<'_>> {
    let mut at = at;
    std::iter::from_fn(move || {
        let kind = array(data, at)?;
        let length = number::length(le32(data, at + 4)?);
        let rest = data.get(at + CHUNK_HEAD_BYTES..)?;
        at = at
            .checked_add(CHUNK_HEAD_BYTES)?
            .checked_add(length)?
            .checked_add(length & 1)?;
        Some(Chunk {
            kind,
            body: rest.get(..length).unwrap_or(rest),
        })
    })
}

/// The chunks of a file.
pub(crate) fn file_chunks(data: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    chunks(data, RIFF_HEAD_BYTES)
}

pub(super) fn read(data: &[u8], is_whole: bool) -> Result<Option<Header>, Failure> {
    let declared = le32(data, 4)
        .map_or(0, number::length)
        .saturating_add(CHUNK_HEAD_BYTES);
    if is_whole && declared > data.len() {
        return Err(fault::truncated(Format::WebP));
    }
    let Some(first) = file_chunks(data).next() else {
        return Ok(None);
    };
    match &first.kind {
        b"VP8 " | b"VP8L" => Ok(bitstream(first)?.map(
            |(width, height, is_lossless, has_alpha)| {
                header(
                    width,
                    height,
                    Coding::WebP {
                        is_lossless,
                        has_alpha,
                        is_animated: false,
                    },
                )
            },
        )),
        b"VP8X" => extended(data, first.body),
        _ => Err(fault::corrupt(Format::WebP)),
    }
}

fn header(width: u32, height: u32, coding: Coding) -> Header {
    Header {
        format: Format::WebP,
        width,
        height,
        orientation: Orientation::UPRIGHT,
        coding,
    }
}

/// Reads an extended file, which has a canvas, and may have alpha, metadata and animation.
fn extended(data: &[u8], body: &[u8]) -> Result<Option<Header>, Failure> {
    let Some(((flags, across), down)) = body.first().zip(le24(body, 4)).zip(le24(body, 7)) else {
        return Ok(None);
    };
    let is_animated = flags & FLAG_ANIMATION != 0;
    let mut orientation = Orientation::UPRIGHT;
    let mut image = None;
    for chunk in file_chunks(data) {
        match &chunk.kind {
            b"EXIF" => orientation = exif::orientation(chunk.body).unwrap_or(orientation),
            b"VP8 " | b"VP8L" if image.is_none() => image = Some(chunk),
            b"ANMF" if image.is_none() => {
                image = chunks(chunk.body, FRAME_HEAD_BYTES)
                    .find(|inner| matches!(&inner.kind, b"VP8 " | b"VP8L"));
            }
            _ => {}
        }
    }
    let Some(image) = image else { return Ok(None) };
    let Some((width, height, is_lossless, alpha)) = bitstream(image)? else {
        return Ok(None);
    };
    let (canvas_width, canvas_height) = (across + 1, down + 1);
    if !is_animated && (width, height) != (canvas_width, canvas_height) {
        return Err(fault::corrupt(Format::WebP));
    }
    let has_alpha = alpha || is_animated || flags & FLAG_ALPHA != 0;
    let coding = Coding::WebP {
        is_lossless,
        has_alpha,
        is_animated,
    };
    Ok(Some(Header {
        orientation,
        ..header(canvas_width, canvas_height, coding)
    }))
}

/// Reads the header of a bitstream: width, height, whether it is lossless, and whether it has alpha. `None` if the
/// header is incomplete.
fn bitstream(chunk: Chunk<'_>) -> Result<Option<(u32, u32, bool, bool)>, Failure> {
    let body = chunk.body;
    if &chunk.kind == b"VP8L" {
        let Some((signature, bits)) = body.first().zip(le32(body, 1)) else {
            return Ok(None);
        };
        if *signature != 0x2f {
            return Err(fault::corrupt(Format::WebP));
        }
        return Ok(Some((
            (bits & 0x3fff) + 1,
            ((bits >> 14) & 0x3fff) + 1,
            true,
            (bits >> 28) & 1 == 1,
        )));
    }
    let Some(((start, width), height)) = array(body, 3).zip(le16(body, 6)).zip(le16(body, 8))
    else {
        return Ok(None);
    };
    if start != [0x9d, 0x01, 0x2a] {
        return Err(fault::corrupt(Format::WebP));
    }
    Ok(Some((
        u32::from(width & 0x3fff),
        u32::from(height & 0x3fff),
        false,
        false,
    )))
}
