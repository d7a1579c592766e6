//! The queue message: a hint that a job can be claimed. All state is in the database, so lost, duplicated or reordered
//! messages affect nothing but latency.

use serde::{Deserialize, Serialize};

use crate::id::JobId;
use crate::kind::RunsOn;

/// Name of the queue.
pub const QUEUE: &str = "media-jobs";

/// Version of the message format.
pub const VERSION: u32 = 1;

/// "Try to claim this job." Sent as text that contains JSON: the queue's own JSON encoding turns maps into `{}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Version of the format.
    pub v: u32,
    /// Job to claim.
    pub job_id: JobId,
    /// Where the job was to run when the message was sent. The database has the current value.
    #[serde(default = "edge")]
    pub runs_on: RunsOn,
}

/// Messages of older versions, before native workers existed, have no `runs_on`.
const fn edge() -> RunsOn {
    RunsOn::Edge
}

impl Message {
    /// Message for `job_id` in the current format.
    #[must_use]
    pub const fn new(job_id: JobId, runs_on: RunsOn) -> Self {
        Self {
            v: VERSION,
            job_id,
            runs_on,
        }
    }

    /// Encodes the message for the queue.
    #[must_use]
    pub fn encode(self) -> String {
        format!(
            r#"{{"v":{},"job_id":"{}","runs_on":"{}"}}"#,
            self.v, self.job_id, self.runs_on
        )
    }

    /// Decodes a message; `None` if the text is not a message of the current version.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text)
            .ok()
            .filter(|message| message.v == VERSION)
    }
}
