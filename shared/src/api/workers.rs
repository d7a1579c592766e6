//! Bodies of the operations that admins use on native workers. What workers send themselves is in [`crate::worker`].

use serde::{Deserialize, Serialize};

use crate::worker::Worker;

/// Answer of `ListWorkers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkerList {
    /// Workers, most recently seen first, those that are gone as well, at most 200.
    pub items: Vec<Worker>,
}

/// Body of `DrainWorker`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DrainWorker {
    /// `true` drains the worker: it finishes its jobs and accepts no new ones. `false` resumes it.
    pub drain: bool,
}
