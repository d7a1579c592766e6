//! Dates of HTTP (RFC 9110 §5.6.7).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::HttpDate;

use crate::time::Timestamp;

/// Seconds since the epoch: the resolution of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seconds(u64);

impl Seconds {
    /// The second of a time.
    #[must_use]
    pub const fn of(time: Timestamp) -> Self {
        Self(time.seconds())
    }
}

/// Reads a date in any of the three forms of the RFC; `None` if it has another form or is before 1970.
#[must_use]
pub fn parse(text: &str) -> Option<Seconds> {
    let date: HttpDate = text.parse().ok()?;
    let since = SystemTime::from(date).duration_since(UNIX_EPOCH).ok()?;
    Some(Seconds(since.as_secs()))
}

/// The form that is sent: `Sun, 06 Nov 1994 08:49:37 GMT`.
#[must_use]
pub fn format(time: Timestamp) -> String {
    HttpDate::from(UNIX_EPOCH + Duration::from_secs(time.seconds())).to_string()
}
