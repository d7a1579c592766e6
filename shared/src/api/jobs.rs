//! Bodies of the operations on jobs.

use serde::{Deserialize, Serialize};

use crate::job::JobView;

/// Answer of `ListJobs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobPage {
    /// Jobs, newest first.
    pub items: Vec<JobView>,
    /// `cursor` of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}
