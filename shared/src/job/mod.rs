//! Jobs: work on an asset. [`step()`] is the whole life cycle: a pure function from job, command and time to the new job.
//! Every change of a job in the database is one accepted `step`. The snapshot
//! `tests/it/job/snapshots/…transition_table.snap` lists all states and commands.

mod facts;
mod failure;
mod fence;
mod limit;
mod state;
mod step;
mod view;

pub use facts::Facts;
pub use failure::FailureClass;
pub use fence::{Fence, LeaseHash};
pub use limit::{
    BACKOFF_BASE_MS, BACKOFF_MAX_MS, DEADLINE_DURATIONS, DEADLINE_MS, IMAGE_LEASE_MS, LOSSES_MAX,
    RETRIES_MAX, backoff_ms, deadline_min,
};
pub use state::{Job, JobKind, JobState, State, asset_state};
pub use step::{Command, Outcome, Rejected, step};
pub use view::{Attempt, JobView, Progress, RETRY, RenditionProgress};
