//! Job: work on an asset. Its whole life is [`step()`]: pure data in, pure data out. Every change of a job in the
//! database is one accepted `step`; the printed table of all states and commands is the snapshot
//! `tests/it/job/snapshots/…transition_table.snap`.

mod facts;
mod failure;
mod lease;
mod limit;
mod state;
mod step;
mod view;

pub use facts::Facts;
pub use failure::FailureClass;
pub use lease::{Fence, LeaseHash};
pub use limit::{
    BACKOFF_BASE_MS, BACKOFF_MAX_MS, DEADLINE_DURATIONS, DEADLINE_MS, IMAGE_LEASE_MS, LOSSES_MAX,
    RETRIES_MAX, backoff_ms, deadline_min,
};
pub use state::{Job, JobKind, JobState, State, asset_state};
pub use step::{Command, Outcome, Rejected, step};
pub use view::{Attempt, JobView, Progress, RETRY, RenditionProgress};
