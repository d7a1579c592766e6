//! The queue message: a hint that a job can be claimed. Facts stay in D1, so losing, doubling or reordering messages
//! changes nothing but latency.

use serde::{Deserialize, Serialize};

use crate::id::JobId;
use crate::kind::RunsOn;

/// Name of the only queue.
pub const QUEUE: &str = "media-jobs";

/// Version of the message's form.
pub const VERSION: u32 = 1;

/// "Try to claim this job." Sent as JSON text: the queue's own JSON encoding turns maps into `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Version of this form.
    pub v: u32,
    /// The job.
    pub job_id: JobId,
    /// Where it was to be worked on when this was sent; the database knows better.
    #[serde(default = "edge")]
    pub runs_on: RunsOn,
}

/// Messages from before there were native workers do not say where they go.
const fn edge() -> RunsOn {
    RunsOn::Edge
}

impl Message {
    /// Message for `job_id` in today's form.
    #[must_use]
    pub const fn new(job_id: JobId, runs_on: RunsOn) -> Self {
        Self {
            v: VERSION,
            job_id,
            runs_on,
        }
    }

    /// Text for the queue.
    #[must_use]
    pub fn encode(self) -> String {
        format!(
            r#"{{"v":{},"job_id":"{}","runs_on":"{}"}}"#,
            self.v, self.job_id, self.runs_on
        )
    }

    /// Reads a message; `None` for what no version of ours wrote.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text)
            .ok()
            .filter(|message| message.v == VERSION)
    }
}
