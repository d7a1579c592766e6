//! Bodies of the operations for admins.

use serde::{Deserialize, Serialize};

use crate::job::{JobKind, JobState};
use crate::kind::RunsOn;
use crate::worker::queue::BacklogMetrics;

/// Number of jobs of one kind, place and state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobCount {
    /// Kind of the jobs.
    pub kind: JobKind,
    /// Where the jobs run.
    pub runs_on: RunsOn,
    /// State of the jobs: `queued` or `running`.
    pub state: JobState,
    /// Number of jobs.
    pub count: u64,
}

/// Answer of `GetBacklog`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backlog {
    /// Queued and running jobs of the tenant.
    pub jobs: Vec<JobCount>,
    /// Time since the tenant's oldest claimable job was queued, in milliseconds; `null` when no job is waiting.
    pub oldest_queued_ms: Option<u64>,
    /// Messages waiting for native workers, of all tenants.
    pub dispatch: BacklogMetrics,
}
