//! The state of a native worker: what it reports of itself, and what follows from that and from its signs of life.

use crate::time::Timestamp;
use crate::words::words;

/// How often a worker registers, in milliseconds. The answer says whether an admin has drained it.
pub const REGISTER_EVERY_MS: u64 = 30_000;

/// A worker without a sign of life for this time is gone, in milliseconds: three registrations that did not come. The time of the
/// last sign is up to 10 s too early, because it is not stored at each request.
pub const GONE_AFTER_MS: u64 = 3 * REGISTER_EVERY_MS;

words! {
    /// Whether a worker accepts new jobs, as it reports.
    ReportedState {
        /// It accepts new jobs.
        Active = "active",
        /// It finishes its current jobs and accepts no new ones, because it shuts down.
        Draining = "draining",
    }
}

words! {
    /// State of a worker, derived from its reports, its signs of life and what an admin wants.
    WorkerState {
        /// It has registered but has not pulled yet.
        Starting = "starting",
        /// It pulls jobs.
        Active = "active",
        /// It finishes its current jobs and gets no new ones: it shuts down, or an admin has drained it.
        Draining = "draining",
        /// It has shut down, or has given no sign of life for 90 s. It is `starting` when it registers again.
        Gone = "gone",
    }
}

/// What is known about a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerRecord {
    /// Its last report.
    pub reported: ReportedState,
    /// Whether it has reported that it has shut down.
    pub stopped: bool,
    /// Whether an admin has drained it.
    pub drain: bool,
    /// Whether it has pulled since it started.
    pub has_pulled: bool,
    /// Its last sign of life.
    pub seen_at: Timestamp,
}

impl WorkerRecord {
    /// Its state at `now`.
    ///
    /// ```
    /// use shared::time::Timestamp;
    /// use shared::worker::{GONE_AFTER_MS, ReportedState, WorkerRecord, WorkerState};
    ///
    /// let seen_at = Timestamp::from_ms(1_767_225_600_000);
    /// let record = WorkerRecord { reported: ReportedState::Active, stopped: false, drain: false, has_pulled: true, seen_at };
    /// assert_eq!(record.state(seen_at), WorkerState::Active);
    /// assert_eq!(WorkerRecord { drain: true, ..record }.state(seen_at), WorkerState::Draining);
    /// assert_eq!(record.state(seen_at.plus_ms(GONE_AFTER_MS)), WorkerState::Gone);
    /// ```
    #[must_use]
    pub const fn state(&self, now: Timestamp) -> WorkerState {
        let is_silent = now.ms_since(self.seen_at) >= GONE_AFTER_MS;
        if self.stopped || is_silent {
            return WorkerState::Gone;
        }
        match self.reported {
            ReportedState::Draining => WorkerState::Draining,
            ReportedState::Active if self.drain => WorkerState::Draining,
            ReportedState::Active if self.has_pulled => WorkerState::Active,
            ReportedState::Active => WorkerState::Starting,
        }
    }
}
