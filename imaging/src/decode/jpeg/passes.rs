//! Finds a JPEG whose coded data ends before its image does.
//!
//! The decoder itself reads zero bits beyond the end of a pass, which shows as a grey or streaked rest of
//! the image and no error. So it is fed through [`Passes`]: behind the coded data of each pass come a
//! few harmless bytes and then a sequence that is an error inside coded data and is skipped between
//! segments. A complete pass never gets there: the decoder looks at most 8 bytes ahead.

use std::io::{self, Read};

use shared::problem::Failure;

use crate::bytes::be16;
use crate::fault;
use crate::format::Format;
use crate::probe::jpeg::marker as next_marker;

/// Zero bits for the decoder's 64-bit look-ahead, then `FF FF 00`: a fill byte before a stuffed byte.
const TAIL: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x00];

/// Passes of one image. Real ones have at most a dozen; each costs a walk over all blocks.
const PASSES_MAX: usize = 64;

const RST_FIRST: u8 = 0xd0;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// The file with a tail behind each pass, as a reader.
pub(super) struct Passes<'a> {
    /// Read next.
    head: &'a [u8],
    /// Ends of the passes that are still to come, the last one first.
    ends: Vec<usize>,
    data: &'a [u8],
    /// How much of `data` has been handed to `head`.
    at: usize,
    is_in_tail: bool,
}

impl<'a> Passes<'a> {
    /// Prepares a file. Fails if it ends within a pass or before its end marker.
    pub(super) fn new(data: &'a [u8]) -> Result<Self, Failure> {
        let mut ends = ends(data)?;
        ends.reverse();
        let mut passes = Self {
            head: &[],
            ends,
            data,
            at: 0,
            is_in_tail: true,
        };
        passes.advance();
        Ok(passes)
    }

    /// Whether the reader stopped behind the coded data of a pass.
    pub(super) const fn is_in_tail(&self) -> bool {
        self.is_in_tail
    }

    /// Moves on when `head` is used up: from file to tail and from tail to file.
    #[cold]
    fn advance(&mut self) {
        if self.is_in_tail {
            self.is_in_tail = false;
            let end = self.ends.pop().unwrap_or(self.data.len());
            self.head = self.data.get(self.at..end).unwrap_or_default();
            self.at = end;
        } else if self.at < self.data.len() {
            self.is_in_tail = true;
            self.head = TAIL;
        }
    }
}

impl Read for Passes<'_> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.head.is_empty() {
            self.advance();
        }
        self.head.read(buffer)
    }

    /// The decoder reads coded data byte by byte through this.
    #[inline]
    fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        if buffer.len() <= self.head.len() {
            return self.head.read_exact(buffer);
        }
        let mut rest = buffer;
        while !rest.is_empty() {
            let count = self.read(rest)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            rest = rest.get_mut(count..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Where the coded data of each pass ends.
fn ends(data: &[u8]) -> Result<Vec<usize>, Failure> {
    let truncated = || fault::truncated(Format::Jpeg);
    let mut ends = Vec::new();
    let mut at = 2;
    loop {
        let (marker, body) = next_marker(data, at).ok_or_else(truncated)?;
        at = match marker {
            EOI => return Ok(ends),
            RST_FIRST..=SOI | 0x01 => body,
            _ => body + usize::from(be16(data, body).ok_or_else(truncated)?),
        };
        if marker == SOS {
            if ends.len() == PASSES_MAX {
                return Err(fault::unsupported("A JPEG with this many passes"));
            }
            at = pass_end(data, at).ok_or_else(truncated)?;
            ends.push(at);
        }
    }
}

/// First marker from `at` on that is neither a stuffed byte nor a restart.
fn pass_end(data: &[u8], at: usize) -> Option<usize> {
    let mut at = at;
    loop {
        let start = at + memchr::memchr(0xff, data.get(at..)?)?;
        at = start + 1;
        while data.get(at) == Some(&0xff) {
            at += 1;
        }
        match data.get(at)? {
            0 | RST_FIRST..SOI => at += 1,
            _ => return Some(start),
        }
    }
}
