//! Limits of a job: retries, delays between them, leases and deadlines.

use crate::time::Timestamp;

/// Largest number of retries of a job. Releases and lost native workers do not count.
pub const RETRIES_MAX: u32 = 3;

/// Number of native workers that a job may lose before the job counts as the cause. Machines come and go, and a video that
/// crashes its decoder kills only the decoder's process, not the worker.
pub const LOSSES_MAX: u32 = 15;

/// Ceiling of the first retry delay in milliseconds; it doubles with each failure.
pub const BACKOFF_BASE_MS: u64 = 5_000;

/// Largest ceiling of the retry delay in milliseconds: 15 minutes.
pub const BACKOFF_MAX_MS: u64 = 900_000;

/// Default lease of an image job in milliseconds. A worker renews it when it is 10 s old, and the longest step without a
/// renewal (one decode) takes about 2 s. The shorter the lease, the faster the recovery from a crash.
pub const IMAGE_LEASE_MS: u64 = 30_000;

/// Default time from creation to the deadline in milliseconds: 30 minutes.
pub const DEADLINE_MS: u64 = 1_800_000;

/// Deadline of a video or audio job as a multiple of the duration, if that is longer than [`DEADLINE_MS`].
pub const DEADLINE_DURATIONS: u64 = 6;

/// Earliest deadline of an attempt that started at `started` on a video or audio file of this duration. Every attempt gets
/// the full time: there are few of them.
#[must_use]
pub fn deadline_min(started: Timestamp, duration_ms: u64) -> Timestamp {
    let needed = duration_ms.saturating_mul(DEADLINE_DURATIONS);
    started.plus_ms(needed.max(DEADLINE_MS))
}

/// Delay before the retry after `failures` failures, in milliseconds, from the random number `jitter`.
///
/// "Full jitter": between 0 and a ceiling that doubles with each failure (Marc Brooker, "Exponential Backoff And Jitter",
/// AWS Architecture Blog, 2015).
#[must_use]
pub fn backoff_ms(failures: u32, jitter: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = BACKOFF_BASE_MS
        .saturating_mul(1 << doublings)
        .min(BACKOFF_MAX_MS);
    jitter % (ceiling + 1)
}
