//! A job as clients see it: how far it is, and what was tried.

use serde::{Deserialize, Serialize};

use super::state::{JobKind, JobState};
use crate::id::{AssetId, JobId};
use crate::problem::Failure;
use crate::time::Timestamp;

/// How far one rendition is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RenditionProgress {
    /// Its name, for example `720p`.
    pub name: String,
    /// Share of it that is stored and verified, 0…1.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub ratio: Option<f64>,
}

/// How far a job is. What is not known is `null`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// Share of the work that is done, 0…1.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub ratio: Option<f64>,
    /// What is being done: `decode`, `encode`, `store`, …
    pub stage: String,
    /// Which output is being made.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub rendition: Option<String>,
    /// Seconds of media per second of work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Time until the work is done, at the present speed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eta_ms: Option<u64>,
    /// Every rendition that is being made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renditions: Vec<RenditionProgress>,
    /// Outputs that are there already, by name: the playback document has their URLs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// What its owner should know about it: why an attempt ended and another follows (stage [`RETRY`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The stage between two attempts.
pub const RETRY: &str = "retry";

/// Longest name of a stage or a rendition, in characters.
const NAME_MAX_CHARS: usize = 64;

/// Longest message, in characters.
const MESSAGE_MAX_CHARS: usize = 1_000;

/// Most renditions, and outputs, that progress tells of.
const RENDITIONS_MAX: usize = 64;

impl Progress {
    /// The same within its bounds: ratios between 0 and 1, a speed that is not negative, names that fit a line.
    #[must_use]
    pub fn bounded(self) -> Self {
        let ratio = |ratio: f64| ratio.clamp(0.0, 1.0);
        let name = |name: String| name.chars().take(NAME_MAX_CHARS).collect::<String>();
        let rendition = |rendition: RenditionProgress| RenditionProgress {
            name: name(rendition.name),
            ratio: rendition.ratio.map(ratio),
        };
        Self {
            ratio: self.ratio.map(ratio),
            stage: name(self.stage),
            rendition: self.rendition.map(name),
            speed: self.speed.map(|speed| speed.max(0.0)),
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

    /// Of a job whose attempt ended with `failure`, and that is tried again. Progress never falls within an attempt: it
    /// stays where it was told to be.
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
    /// Number, from 1.
    pub attempt: u32,
    /// Who worked.
    pub worker: String,
    /// When it was claimed.
    pub started_at: Timestamp,
    /// When it ended, `null` while it runs.
    pub ended_at: Option<Timestamp>,
    /// Why it did not succeed.
    pub error: Option<Failure>,
    /// Largest memory of the codec in this worker's life so far, in bytes; `null` when not measured.
    pub peak_memory_bytes: Option<u64>,
}

/// A job, as clients see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobView {
    /// Id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// Where it stands.
    pub state: JobState,
    /// What it works on.
    pub asset_id: AssetId,
    /// Number of the last attempt; 0 before the first.
    pub attempt: u32,
    /// How far it is.
    pub progress: Progress,
    /// Why it failed.
    pub error: Option<Failure>,
    /// Every attempt, oldest first.
    pub attempts: Vec<Attempt>,
    /// When it was created.
    pub created_at: Timestamp,
}
