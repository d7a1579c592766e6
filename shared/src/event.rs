//! Events, numbered by the hub of their user, and their encoding as server-sent events (WHATWG HTML, "Server-sent events").

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::asset::{Asset, Output};
use crate::id::{AssetId, EventId, JobId};
use crate::job::{JobView, Progress};
use crate::problem::Failure;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Type of an event.
    EventType {
        /// An upload URL was signed.
        UploadStarted = "upload_started",
        /// The file was uploaded and matches its declaration.
        UploadComplete = "upload_complete",
        /// The file does not match its declaration, or was never uploaded.
        UploadFailed = "upload_failed",
        /// A worker started an attempt.
        ProcessingStarted = "processing_started",
        /// The job made progress.
        ProcessingProgress = "processing_progress",
        /// The outputs were published.
        ProcessingComplete = "processing_complete",
        /// No further attempt will be made.
        ProcessingFailed = "processing_failed",
        /// The asset and its files were deleted.
        AssetDeleted = "asset_deleted",
        /// The job was cancelled; its last event.
        JobCancelled = "job_cancelled",
        /// All unfinished assets and jobs, sent when a stream starts without a cursor. Not in the log.
        Snapshot = "snapshot",
        /// The cursor is too old or belongs to another log; a snapshot follows. Not in the log.
        Reset = "reset",
    }
}

impl EventType {
    /// Whether the hub may drop the event when a later one replaces it.
    #[must_use]
    pub const fn is_progress(self) -> bool {
        matches!(self, Self::ProcessingProgress)
    }

    /// Whether no further event of the same attempt can follow.
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

/// Result of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProcessingResult {
    /// The outputs with their URLs.
    pub outputs: Vec<Output>,
    /// Displayed width in pixels; `null` for audio.
    pub width: Option<u32>,
    /// Displayed height in pixels; `null` for audio.
    pub height: Option<u32>,
    /// Duration in milliseconds; `null` for images.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// Thumbhash in base64; `null` for audio.
    pub placeholder: Option<String>,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Sequence number in the user's log, assigned by the hub: starts at 1, without gaps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub seq: Option<u64>,
    /// Type of the event.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Id. A log contains each event once.
    pub event_id: EventId,
    /// When it happened.
    pub time: Timestamp,
    /// Tenant of the asset.
    pub tenant: String,
    /// Id of the asset.
    pub asset_id: AssetId,
    /// Id of the job.
    pub job_id: JobId,
    /// Number of the attempt; `null` for events outside of attempts.
    pub attempt: Option<u32>,
    /// Progress of the job; in `processing_progress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub progress: Option<Progress>,
    /// Result of the job; in `processing_complete`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub result: Option<ProcessingResult>,
    /// Why it failed; in `upload_failed`, `processing_failed` and `job_cancelled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub error: Option<Failure>,
}

/// Data of a `snapshot` event: all unfinished assets and jobs of the user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Snapshot {
    /// Always `snapshot`.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When the snapshot was taken.
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
    /// When it happened.
    pub time: Timestamp,
    /// Why the cursor cannot be resumed.
    pub reason: String,
}

/// A position in a user's log: the generation of the log (a wiped hub starts a new one) and the last sequence number seen.
///
/// Encoded as `{generation:08x}-{seq}`, which uses only bytes that are safe in a cross-origin `Last-Event-ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Generation of the log.
    pub generation: u32,
    /// Sequence number of the last event that was seen; 0 before the first.
    pub seq: u64,
}

/// The text is not a cursor.
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

/// Encodes one server-sent event. `data` is split at every kind of line end, so that no payload can end the event early.
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

/// A comment that keeps an idle stream open and detects closed connections.
pub const SSE_HEARTBEAT: &str = ": heartbeat\n\n";

/// Time between heartbeats in milliseconds. WHATWG's authoring notes recommend about 15 s; proxies close idle streams after
/// 60 s.
pub const HEARTBEAT_MS: u64 = 15_000;

/// Encodes the `retry` field: how long a client waits before it reconnects, in milliseconds.
#[must_use]
pub fn encode_sse_retry(retry_ms: u64) -> String {
    format!("retry: {retry_ms}\n\n")
}
