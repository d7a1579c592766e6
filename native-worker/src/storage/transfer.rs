//! Rules of every transfer: how long it may take, how often it is tried, and how long caches may keep what it stored.

use std::time::Duration;

use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::timeout::TimeoutConfig;

use super::buckets::TRY_TIMEOUT;

/// How long a stored file may be kept by caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Never changes.
    Immutable,
    /// A playlist that grows: one second.
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

/// Puts of one file whose verification failed.
pub(super) const PUTS_MAX: u32 = 3;

/// The slowest transfer that is waited for, in bytes a second.
pub(super) const RATE_MIN: u64 = 256 * 1024;

/// What is read of a file at a time.
pub(super) const READ_BYTES: usize = 256 * 1024;

/// Settings of a request that waits for `bytes` on the slowest line.
pub(super) fn patient(bytes: u64) -> Builder {
    let timeout = TRY_TIMEOUT + Duration::from_secs(bytes / RATE_MIN);
    let timeouts = TimeoutConfig::builder().operation_attempt_timeout(timeout);
    aws_sdk_s3::config::Config::builder().timeout_config(timeouts.build())
}
