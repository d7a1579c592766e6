//! Bodies of the operations for admins.

use serde::{Deserialize, Serialize};

use crate::job::{JobKind, JobState};
use crate::kind::RunsOn;
use crate::worker::queue::BacklogMetrics;

/// How many jobs stand alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobCount {
    /// What they do.
    pub kind: JobKind,
    /// Where they are worked on.
    pub runs_on: RunsOn,
    /// Where they stand: `queued` or `running`.
    pub state: JobState,
    /// How many.
    pub count: u64,
}

/// Answer of `GetBacklog`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backlog {
    /// The tenant's jobs that have not ended.
    pub jobs: Vec<JobCount>,
    /// How long the tenant's oldest job that could be claimed has waited; `null` when none waits.
    pub oldest_queued_ms: Option<u64>,
    /// Messages that wait for native workers, of all tenants.
    pub dispatch: BacklogMetrics,
}
