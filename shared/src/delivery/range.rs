//! Byte ranges (RFC 9110 §14.1.2).

use super::Selection;

/// A single byte range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// From this position, up to the last one if it is given.
    From(u64, Option<u64>),
    /// This many bytes at the end.
    Suffix(u64),
}

impl Range {
    /// Reads a `Range` header. `None` for another unit, several ranges or an invalid one: the whole is sent, as the RFC allows.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (unit, ranges) = header.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = ranges.trim().split_once('-')?;
        match (first, last) {
            ("", length) => Some(Self::Suffix(position(length)?)),
            (first, "") => Some(Self::From(position(first)?, None)),
            (first, last) => {
                let (first, last) = (position(first)?, position(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// The part of `size_bytes` bytes.
    pub(super) fn of(self, size_bytes: u64) -> Selection {
        let (offset, length) = match self {
            Self::From(first, last) => {
                let left = size_bytes.saturating_sub(first);
                let wanted = last.map_or(left, |last| (last - first).saturating_add(1));
                (first, wanted.min(left))
            }
            // Satisfiable, but there is no way to write an empty part.
            Self::Suffix(1..) if size_bytes == 0 => return Selection::Whole,
            Self::Suffix(length) => (size_bytes.saturating_sub(length), length.min(size_bytes)),
        };
        if length == 0 {
            Selection::RangeNotSatisfiable
        } else {
            Selection::Part { offset, length }
        }
    }
}

/// A number of any length. One beyond 64 bits is beyond the end of every file.
fn position(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}
