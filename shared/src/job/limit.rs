//! How often and how long a job is tried.

use crate::time::Timestamp;

/// Attempts after the first that a job gets; a release does not count, nor does a native worker that vanished.
pub const RETRIES_MAX: u32 = 3;

/// Native workers that a job may lose before it counts as the cause. Machines come and go; what a film does to its decoder
/// kills the decoder's own process, not the worker.
pub const LOSSES_MAX: u32 = 15;

/// First ceiling of the retry delay; it doubles with each failure.
pub const BACKOFF_BASE_MS: u64 = 5_000;

/// Last ceiling of the retry delay.
pub const BACKOFF_MAX_MS: u64 = 900_000;

/// Default lease of an image job. A worker renews it when it is 10 s old and its longest step without a
/// renewal (one decode) takes about 2 s; a short lease makes the recovery from a power cut short.
pub const IMAGE_LEASE_MS: u64 = 30_000;

/// Default time from creation to the deadline: 30 minutes.
pub const DEADLINE_MS: u64 = 1_800_000;

/// A film gets this many times its duration, if that is longer than [`DEADLINE_MS`].
pub const DEADLINE_DURATIONS: u64 = 6;

/// The earliest deadline of an attempt that began at `started` on a film or sound of this duration. Each attempt has as much:
/// there are few of them.
#[must_use]
pub fn deadline_min(started: Timestamp, duration_ms: u64) -> Timestamp {
    let needed = duration_ms.saturating_mul(DEADLINE_DURATIONS);
    started.plus_ms(needed.max(DEADLINE_MS))
}

/// Full jitter: a delay between 0 and a ceiling that doubles with each failure
/// (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[must_use]
pub fn backoff_ms(failures: u32, jitter: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = BACKOFF_BASE_MS
        .saturating_mul(1 << doublings)
        .min(BACKOFF_MAX_MS);
    jitter % (ceiling + 1)
}
