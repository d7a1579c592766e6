//! Conditional and range requests (RFC 9110 §13 and §14): from the headers of a request and what is stored to what is sent.

pub mod date;
mod range;
mod tag;

use self::date::Seconds;
use self::range::Range;
use self::tag::{Comparison, EntityTag};
use crate::time::Timestamp;

/// The request headers that [`Conditions`] consists of, in lower case.
pub const CONDITION_HEADERS: [&str; 6] = [
    "if-match",
    "if-unmodified-since",
    "if-none-match",
    "if-modified-since",
    "if-range",
    "range",
];

/// The headers of a request that decide which part of a representation is sent, or whether it is sent at all. Each is as the client
/// sent it: a header that the RFC calls invalid is ignored where the RFC says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match`.
    pub if_match: Option<String>,
    /// `If-Unmodified-Since`; ignored beside `If-Match`.
    pub if_unmodified_since: Option<String>,
    /// `If-None-Match`.
    pub if_none_match: Option<String>,
    /// `If-Modified-Since`; ignored beside `If-None-Match`.
    pub if_modified_since: Option<String>,
    /// `If-Range`; ignored without `Range`.
    pub if_range: Option<String>,
    /// `Range`; ignored unless the method is `GET`.
    pub range: Option<String>,
}

/// What is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Representation<'a> {
    /// Entity tag, with its quotes.
    pub etag: &'a str,
    /// When it was stored. HTTP knows whole seconds.
    pub last_modified: Timestamp,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// The whole representation: 200.
    Whole,
    /// One range of it: 206.
    Part {
        /// Position of the first byte.
        offset: u64,
        /// Number of bytes, at least 1.
        length: u64,
    },
    /// Nothing, because the client has it: 304.
    NotModified,
    /// Nothing, because the client expects another version: 412.
    PreconditionFailed,
    /// Nothing, because the representation ends before the range begins: 416.
    RangeNotSatisfiable,
}

impl Selection {
    /// Status of the response.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Whole => 200,
            Self::Part { .. } => 206,
            Self::NotModified => 304,
            Self::PreconditionFailed => 412,
            Self::RangeNotSatisfiable => 416,
        }
    }
}

impl Conditions {
    /// Collects the headers of a request; `header` returns the value of one. Several lines of the same header are joined by commas.
    ///
    /// # Errors
    ///
    /// The error of `header`.
    pub fn read<E>(header: impl Fn(&str) -> Result<Option<String>, E>) -> Result<Self, E> {
        let [match_, unmodified, none_match, modified, if_range, range] = CONDITION_HEADERS;
        Ok(Self {
            if_match: header(match_)?,
            if_unmodified_since: header(unmodified)?,
            if_none_match: header(none_match)?,
            if_modified_since: header(modified)?,
            if_range: header(if_range)?,
            range: header(range)?,
        })
    }

    /// Whether the request has none of these headers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is sent of `stored`, by the precedence of RFC 9110 §13.2.2. A `Range` applies to `GET` only (§14.2).
    ///
    /// ```
    /// use shared::delivery::{Conditions, Representation, Selection};
    /// use shared::time::Timestamp;
    ///
    /// let stored = Representation {
    ///     etag: "\"v2\"",
    ///     last_modified: Timestamp::from_ms(784_111_777_000),
    ///     size_bytes: 1_000,
    /// };
    /// let mut conditions = Conditions { range: Some("bytes=0-99".to_owned()), ..Conditions::default() };
    /// assert_eq!(conditions.select(&stored, true), Selection::Part { offset: 0, length: 100 });
    ///
    /// // The client has the first half of another version: it gets the whole.
    /// conditions.if_range = Some("\"v1\"".to_owned());
    /// assert_eq!(conditions.select(&stored, true), Selection::Whole);
    ///
    /// // It has this version.
    /// conditions.if_none_match = Some("\"v2\"".to_owned());
    /// assert_eq!(conditions.select(&stored, true), Selection::NotModified);
    /// ```
    #[must_use]
    pub fn select(&self, stored: &Representation<'_>, is_get: bool) -> Selection {
        if !self.are_met(stored) {
            Selection::PreconditionFailed
        } else if self.is_known(stored) {
            Selection::NotModified
        } else if is_get && self.range_applies(stored) {
            self.part(stored.size_bytes)
        } else {
            Selection::Whole
        }
    }

    /// `If-Match` and `If-Unmodified-Since` (§13.1.1, §13.1.4).
    fn are_met(&self, stored: &Representation<'_>) -> bool {
        if let Some(tags) = &self.if_match {
            return Comparison::Strong.is_in(tags, stored.etag);
        }
        let until = self.if_unmodified_since.as_deref().and_then(date::parse);
        until.is_none_or(|until| Seconds::of(stored.last_modified) <= until)
    }

    /// `If-None-Match` and `If-Modified-Since` (§13.1.2, §13.1.3): whether the client has what is stored.
    fn is_known(&self, stored: &Representation<'_>) -> bool {
        if let Some(tags) = &self.if_none_match {
            return Comparison::Weak.is_in(tags, stored.etag);
        }
        let since = self.if_modified_since.as_deref().and_then(date::parse);
        since.is_some_and(|since| Seconds::of(stored.last_modified) <= since)
    }

    /// `If-Range` (§13.1.5): whether the client's part is one of what is stored. A date must be exactly that of the last
    /// modification, and a weak tag never matches.
    fn range_applies(&self, stored: &Representation<'_>) -> bool {
        let Some(validator) = self.if_range.as_deref().map(str::trim) else {
            return true;
        };
        match EntityTag::parse(validator) {
            Some(tag) => Comparison::Strong.is_equal(tag, stored.etag),
            None => date::parse(validator) == Some(Seconds::of(stored.last_modified)),
        }
    }

    fn part(&self, size_bytes: u64) -> Selection {
        match self.range.as_deref().and_then(Range::parse) {
            Some(range) => range.of(size_bytes),
            None => Selection::Whole,
        }
    }
}
