//! Detects a JPEG whose coded data ends before the image is complete.
//!
//! Beyond the end of a scan, the decoder reads zero bits without an error, so the rest of the image is grey or
//! streaked. Therefore it reads through [`Scans`], which appends a tail to the coded data of each scan: a few harmless
//! bytes, and then a sequence that is an error within coded data and is skipped between segments. The decoder reads at
//! most 8 bytes ahead, so with a complete scan it does not reach that sequence.

use std::io::{self, Read};

use shared::problem::Failure;

use crate::bytes::be16;
use crate::fault;
use crate::format::Format;
use crate::probe::jpeg::marker as next_marker;

/// Zero bytes for the decoder's look-ahead of 64 bits, then `FF FF 00`: a fill byte before a stuffed byte.
const TAIL: &[u8] = &[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0x00];

/// Maximum number of scans of an image. Real images have at most about twelve. The decoder visits all blocks in each
/// scan.
const SCANS_MAX: usize = 64;

const RST_FIRST: u8 = 0xd0;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;

/// A reader of the file with a tail after each scan.
pub(super) struct Scans<'a> {
    /// What is read next.
    head: &'a [u8],
    /// The ends of the remaining scans, the last one first.
    ends: Vec<usize>,
    data: &'a [u8],
    /// Number of bytes of `data` that `head` has received.
    at: usize,
    is_in_tail: bool,
}

impl<'a> Scans<'a> {
    /// Prepares a file.
    ///
    /// # Errors
    /// `image_truncated` if the file ends within a scan or before its end marker.
    pub(super) fn new(data: &'a [u8]) -> Result<Self, Failure> {
        let mut ends = ends(data)?;
        ends.reverse();
        let mut scans = Self {
            head: &[],
            ends,
            data,
            at: 0,
            is_in_tail: true,
        };
        scans.advance();
        Ok(scans)
    }

    /// Whether the decoder stopped reading within a tail.
    pub(super) const fn is_in_tail(&self) -> bool {
        self.is_in_tail
    }

    /// Continues when `head` is empty: from the file with a tail, and from a tail with the file.
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

impl Read for Scans<'_> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.head.is_empty() {
            self.advance();
        }
        self.head.read(buffer)
    }

    /// The decoder calls this for every byte of coded data.
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

/// The offsets at which the coded data of each scan ends.
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
            if ends.len() == SCANS_MAX {
                return Err(fault::unsupported("A JPEG with this many scans"));
            }
            at = scan_end(data, at).ok_or_else(truncated)?;
            ends.push(at);
        }
    }
}

/// The offset of the first marker from `at` on that is neither a stuffed byte nor a restart marker.
fn scan_end(data: &[u8], at: usize) -> Option<usize> {
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
