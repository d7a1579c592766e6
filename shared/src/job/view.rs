//! Jobs as clients see them: progress and attempts.

use serde::{Deserialize, Serialize};

use super::state::{JobKind, JobState};
use crate::id::{AssetId, JobId};
use crate::problem::{ErrorCode, Failure};
use crate::time::Timestamp;

/// Progress of one rendition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RenditionProgress {
    /// Name, for example `720p`.
    pub name: String,
    /// Part that is stored and verified, 0…1; `null` if unknown.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub ratio: Option<f64>,
}

/// Progress of a job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Part of the work that is done, 0…1; `null` if unknown.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub ratio: Option<f64>,
    /// Current stage of the attempt: `fetch`, `probe`, `decode`, `encode`, `package` or `store`; `retry` in the event of a
    /// failed attempt that another one follows. Before the first report of an attempt, and while the job does not run, it is the
    /// state of the job.
    pub stage: String,
    /// Name of the output that is being made; `null` if none.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub rendition: Option<String>,
    /// Seconds of media per second of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Estimated time until the work is done, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<u64>,
    /// Progress of each rendition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renditions: Vec<RenditionProgress>,
    /// Names of the outputs that are already available. The playback document has their URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// Message for the asset's owner: at stage `retry`, why the previous attempt ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The stage between two attempts.
pub const RETRY: &str = "retry";

/// Longest name of a stage or a rendition, in characters.
const NAME_MAX_CHARS: usize = 64;

/// Longest message, in characters.
const MESSAGE_MAX_CHARS: usize = 1_000;

/// Largest number of renditions, and of outputs, in a progress report.
const RENDITIONS_MAX: usize = 64;

/// Rounds to 4 decimal places: `0.34426671999999997` is noise of the arithmetic.
fn rounded(number: f64) -> f64 {
    let scaled = number * 1e4;
    // A speed near the largest number has no decimal places.
    if scaled.is_finite() {
        scaled.round() / 1e4
    } else {
        number
    }
}

/// A ratio within its bounds, rounded. What is not done is not rounded up to done.
fn bounded_ratio(ratio: f64) -> f64 {
    let rounded = rounded(ratio.clamp(0.0, 1.0));
    if ratio < 1.0 {
        rounded.min(0.9999)
    } else {
        rounded
    }
}

impl Progress {
    /// Enforces the form of every progress that is published: ratios between 0 and 1, a non-negative speed, both with at most 4
    /// decimal places, and limited lengths of names and lists.
    #[must_use]
    pub fn bounded(self) -> Self {
        let name = |name: String| name.chars().take(NAME_MAX_CHARS).collect::<String>();
        let rendition = |rendition: RenditionProgress| RenditionProgress {
            name: name(rendition.name),
            ratio: rendition.ratio.map(bounded_ratio),
        };
        Self {
            ratio: self.ratio.map(bounded_ratio),
            stage: name(self.stage),
            rendition: self.rendition.map(name),
            speed: self.speed.map(|speed| rounded(speed.max(0.0))),
            eta_ms: self.eta_ms,
            renditions: self
                .renditions
                .into_iter()
                .take(RENDITIONS_MAX)
                .map(rendition)
                .collect(),
            outputs: self
                .outputs
                .into_iter()
                .take(RENDITIONS_MAX)
                .map(name)
                .collect(),
            message: self
                .message
                .map(|message| message.chars().take(MESSAGE_MAX_CHARS).collect()),
        }
    }

    /// Progress of a job that is retried after an attempt ended with `failure`.
    #[must_use]
    pub fn retry(failure: &Failure) -> Self {
        Self {
            ratio: Some(0.0),
            stage: RETRY.to_owned(),
            message: Some(format!("{}: {}", failure.code.as_str(), failure.detail)),
            ..Self::default()
        }
    }
}

/// One attempt at a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attempt {
    /// Attempt number, starting at 1.
    pub attempt: u32,
    /// Worker that ran it.
    pub worker: String,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When it ended; `null` while it runs.
    pub ended_at: Option<Timestamp>,
    /// Why it did not succeed; `null` if it is running, succeeded, or was released by its worker, which is not a failure. Of the
    /// attempts that ended with `null`, only the last one of a succeeded job succeeded; the others were released.
    pub error: Option<Failure>,
    /// Peak memory of the codec in this worker's lifetime, in bytes; `null` if not measured.
    pub peak_memory_bytes: Option<u64>,
}

/// A job, as clients see it. It can be read from the creation of its asset on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobView {
    /// Id.
    pub id: JobId,
    /// Kind of work.
    pub kind: JobKind,
    /// State.
    pub state: JobState,
    /// Asset that it works on.
    pub asset_id: AssetId,
    /// Number of the latest attempt; 0 before the first.
    pub attempt: u32,
    /// Progress.
    pub progress: Progress,
    /// Why it failed; `null` unless it failed.
    pub error: Option<Failure>,
    /// Every attempt, oldest first.
    pub attempts: Vec<Attempt>,
    /// When its asset was created.
    pub created_at: Timestamp,
}

impl JobView {
    /// A job whose upload was not confirmed: it waits for the upload, or has ended with it by `error`.
    #[must_use]
    pub fn before_upload(
        id: JobId,
        kind: JobKind,
        (asset_id, created_at): (AssetId, Timestamp),
        error: Option<Failure>,
    ) -> Self {
        let state = match &error {
            None => JobState::AwaitingUpload,
            Some(failure) if failure.code == ErrorCode::JobCancelled => JobState::Cancelled,
            Some(_) => JobState::Failed,
        };
        Self {
            id,
            kind,
            state,
            asset_id,
            attempt: 0,
            progress: Progress {
                stage: state.as_str().to_owned(),
                ..Progress::default()
            },
            error,
            attempts: Vec::new(),
            created_at,
        }
    }
}
