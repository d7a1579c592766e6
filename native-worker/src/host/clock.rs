//! The clock that leases are measured by.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Time since the machine started. It goes on while the machine sleeps or the process is stopped, and nobody sets it.
#[must_use]
pub fn uptime() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
