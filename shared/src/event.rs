//! Event: something that happened, numbered by the hub of its user; and its form on a server-sent-event stream
//! (WHATWG HTML, "Server-sent events").

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::asset::{Asset, Output};
use crate::id::{AssetId, EventId, JobId};
use crate::job::{JobView, Progress};
use crate::problem::Failure;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What happened.
    EventType {
        /// A URL was signed.
        UploadStarted = "upload_started",
        /// The file arrived and is what was declared.
        UploadComplete = "upload_complete",
        /// The file is not what was declared, or never came.
        UploadFailed = "upload_failed",
        /// A worker began an attempt.
        ProcessingStarted = "processing_started",
        /// Work was done.
        ProcessingProgress = "processing_progress",
        /// The outputs are published.
        ProcessingComplete = "processing_complete",
        /// No further attempt will be made.
        ProcessingFailed = "processing_failed",
        /// The asset and its files are gone.
        AssetDeleted = "asset_deleted",
        /// The owner stopped the job; the last event of it.
        JobCancelled = "job_cancelled",
        /// State of everything that is not final, when a stream begins without a cursor. Not in the log.
        Snapshot = "snapshot",
        /// The cursor is too old or of another log; a snapshot follows. Not in the log.
        Reset = "reset",
    }
}

impl EventType {
    /// Whether the hub may drop it in favour of a later one.
    #[must_use]
    pub const fn is_progress(self) -> bool {
        matches!(self, Self::ProcessingProgress)
    }

    /// Whether nothing of the same job's attempt can follow.
    #[must_use]
    pub const fn ends_job(self) -> bool {
        matches!(
            self,
            Self::ProcessingComplete
                | Self::ProcessingFailed
                | Self::JobCancelled
                | Self::AssetDeleted
        )
    }
}

/// What a job made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProcessingResult {
    /// The outputs, with URLs.
    pub outputs: Vec<Output>,
    /// Width as displayed, in pixels.
    pub width: Option<u32>,
    /// Height as displayed, in pixels.
    pub height: Option<u32>,
    /// Duration; `null` for images.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// Thumbhash in base64.
    pub placeholder: Option<String>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Place in the user's log, from 1, without gaps; the hub gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub seq: Option<u64>,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Id; a log holds each once.
    pub event_id: EventId,
    /// When.
    pub time: Timestamp,
    /// Whose tenant.
    pub tenant: String,
    /// To which asset.
    pub asset_id: AssetId,
    /// To which job.
    pub job_id: JobId,
    /// In which attempt; `null` outside attempts.
    pub attempt: Option<u32>,
    /// How far the job is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub progress: Option<Progress>,
    /// What the job made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub result: Option<ProcessingResult>,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub error: Option<Failure>,
}

/// Data of a `snapshot` event: everything of the user that is not final.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// Always `snapshot`.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it was taken.
    pub time: Timestamp,
    /// Assets that are neither ready nor failed, newest first, at most 200.
    pub assets: Vec<Asset>,
    /// Jobs that are queued or running, newest first, at most 200.
    pub jobs: Vec<JobView>,
}

/// Data of a `reset` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reset {
    /// Always `reset`.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When.
    pub time: Timestamp,
    /// Why the cursor cannot be resumed.
    pub reason: String,
}

/// A place in a user's log: the log's generation (a wiped hub starts a new one) and the last sequence number seen.
/// Written `{generation:08x}-{seq}`: only bytes that are safe in a cross-origin `Last-Event-ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Generation of the log.
    pub generation: u32,
    /// Last event that was seen; 0 before the first.
    pub seq: u64,
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor")]
pub struct CursorInvalid;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{}", self.generation, self.seq)
    }
}

impl std::str::FromStr for Cursor {
    type Err = CursorInvalid;
    fn from_str(text: &str) -> Result<Self, CursorInvalid> {
        let (generation, seq) = text.split_once('-').ok_or(CursorInvalid)?;
        let cursor = Self {
            generation: u32::from_str_radix(generation, 16).map_err(|_| CursorInvalid)?,
            seq: seq.parse().map_err(|_| CursorInvalid)?,
        };
        if cursor.to_string() == text {
            Ok(cursor)
        } else {
            Err(CursorInvalid)
        }
    }
}

/// One event in the stream's grammar. `data` is split at every kind of line end, so that no payload can end the event early.
#[must_use]
pub fn encode_sse(id: Option<Cursor>, event_type: &str, data: &str) -> String {
    let mut text = String::with_capacity(data.len() + 64);
    if let Some(id) = id {
        text.extend(["id: ", &id.to_string(), "\n"]);
    }
    text.extend(["event: ", event_type, "\n"]);
    for line in data.split("\r\n").flat_map(|part| part.split(['\r', '\n'])) {
        text.extend(["data: ", line, "\n"]);
    }
    text.push('\n');
    text
}

/// The comment that keeps an idle stream open and finds vanished readers.
pub const SSE_HEARTBEAT: &str = ": heartbeat\n\n";

/// Time between heartbeats: the WHATWG authoring note says about 15 s, and proxies cut idle streams after 60 s.
pub const HEARTBEAT_MS: u64 = 15_000;

/// The field that tells a reader when to come back.
#[must_use]
pub fn encode_sse_retry(retry_ms: u64) -> String {
    format!("retry: {retry_ms}\n\n")
}
