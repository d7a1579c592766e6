//! The clock by which leases are measured.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time since the machine booted. This clock also runs while the machine sleeps or the program is suspended, and it cannot
/// be set.
#[must_use]
pub fn uptime() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
