//! Rules of all transfers: timeouts, numbers of tries, and cache lifetimes.

use std::time::Duration;

use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::timeout::TimeoutConfig;

use super::buckets::TRY_TIMEOUT;

/// How long caches may keep a stored file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// The file never changes: one year.
    Immutable,
    /// The file is a growing playlist: one second.
    Growing,
}

impl Lifetime {
    pub(super) const fn cache_control(self) -> &'static str {
        match self {
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Growing => "public, max-age=1",
        }
    }
}

/// Tries to store a file or part, if its verification fails.
pub(super) const PUTS_MAX: u32 = 3;

/// The slowest accepted transfer, in bytes per second.
pub(super) const RATE_MIN: u64 = 256 * 1024;

/// Size of one read from a file.
pub(super) const READ_BYTES: usize = 256 * 1024;

/// Settings of a request that transfers `bytes` at the slowest accepted rate.
pub(super) fn patient(bytes: u64) -> Builder {
    let timeout = TRY_TIMEOUT + Duration::from_secs(bytes / RATE_MIN);
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(timeout);
    aws_sdk_s3::config::Config::builder().timeout_config(timeouts.build())
}
