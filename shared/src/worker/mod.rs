//! The protocol between native workers and the edge. A worker pulls a message from the queue, claims the job that it names,
//! sends heartbeats while it works, and ends the attempt by finish, fail or release. Every request after the claim carries
//! the fence: attempt number and lease token.

pub mod queue;
mod state;

pub use state::{GONE_AFTER_MS, REGISTER_EVERY_MS, ReportedState, WorkerRecord, WorkerState};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::image::ImagePlan;
use crate::job::{Facts, FailureClass, JobView, Progress};
use crate::problem::{ErrorCode, Failure};
use crate::time::Timestamp;
#[cfg(feature = "openapi")]
use crate::video::Preset;
use crate::words::words;

words! {
    /// Which bucket holds an object. The edge decides which one; each worker is configured with the names.
    BucketRole {
        /// Originals and private outputs.
        Raw = "raw",
        /// Outputs of public assets.
        Public = "public",
    }
}

words! {
    /// Whether another attempt can help.
    FailureWord {
        /// The input can never be processed.
        Permanent = "permanent",
        /// The cause lies outside the input.
        Retryable = "retryable",
    }
}

impl From<FailureWord> for FailureClass {
    fn from(word: FailureWord) -> Self {
        match word {
            FailureWord::Permanent => Self::Permanent,
            FailureWord::Retryable => Self::Retryable,
        }
    }
}

/// An encoder that the worker has tested by encoding with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    /// Name in ffmpeg, for example `libx264`; at most 256 bytes without NUL.
    #[cfg_attr(
        feature = "openapi",
        schema(max_length = 256, pattern = "^[^\\u0000]*$")
    )]
    pub name: String,
    /// Whether it is a hardware encoder.
    pub is_hardware: bool,
}

/// Body of `RegisterWorker`: what the worker is and can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RegisterWorker {
    /// Version of its build, at most 256 bytes without NUL.
    #[cfg_attr(
        feature = "openapi",
        schema(max_length = 256, pattern = "^[^\\u0000]*$")
    )]
    pub version: String,
    /// Version of its ffmpeg, at most 256 bytes without NUL.
    #[cfg_attr(
        feature = "openapi",
        schema(max_length = 256, pattern = "^[^\\u0000]*$")
    )]
    pub ffmpeg_version: String,
    /// Cores that it may use.
    pub cores: u32,
    /// Jobs that it works on at a time, 1–1 024.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1024))]
    pub slots: u32,
    /// Encoders that work there, at most 64.
    #[cfg_attr(feature = "openapi", schema(max_items = 64))]
    pub encoders: Vec<Encoder>,
    /// Whether it accepts new jobs; `draining` while it shuts down.
    pub state: ReportedState,
    /// Whether it has shut down: this is its last request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

/// Longest version, and longest name of an encoder, in bytes.
pub const WORKER_NAME_MAX_BYTES: usize = 256;

/// Largest number of encoders of a worker.
pub const ENCODERS_MAX: usize = 64;

/// Largest number of slots of a worker: more jobs at a time than any machine can run.
pub const SLOTS_MAX: u32 = 1_024;

impl RegisterWorker {
    /// Checks what the types cannot.
    ///
    /// # Errors
    ///
    /// `request_invalid` with the field and what it must be.
    pub fn check(&self) -> Result<(), Failure> {
        let is_name = |text: &str| text.len() <= WORKER_NAME_MAX_BYTES && !text.contains('\0');
        let name = format!("must have at most {WORKER_NAME_MAX_BYTES} bytes without NUL");
        let wrong_encoder = self.encoders.iter().position(|one| !is_name(&one.name));
        let detail = if !is_name(&self.version) {
            format!("version {name}.")
        } else if !is_name(&self.ffmpeg_version) {
            format!("ffmpeg_version {name}.")
        } else if !(1..=SLOTS_MAX).contains(&self.slots) {
            format!("slots must be an integer from 1 to {SLOTS_MAX}.")
        } else if self.encoders.len() > ENCODERS_MAX {
            format!("encoders must have at most {ENCODERS_MAX} items.")
        } else if let Some(index) = wrong_encoder {
            format!("encoders[{index}].name {name}.")
        } else {
            return Ok(());
        };
        Err(Failure::new(ErrorCode::RequestInvalid, detail))
    }
}

/// A native worker, as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Worker {
    /// Id: the `sub` of its token.
    pub id: String,
    /// Version of its build.
    pub version: String,
    /// Version of its ffmpeg.
    pub ffmpeg_version: String,
    /// Cores that it may use.
    pub cores: u32,
    /// Jobs that it works on at a time.
    pub slots: u32,
    /// Encoders that work there.
    pub encoders: Vec<Encoder>,
    /// State.
    pub state: WorkerState,
    /// Whether an admin wants it drained; what it does is in `state`.
    pub drain: bool,
    /// Number of attempts that it is running.
    pub running: u32,
    /// When it first registered.
    pub registered_at: Timestamp,
    /// When its last request arrived. Up to 10 s too early, because the time is not stored at each request.
    pub seen_at: Timestamp,
}

/// Where the original is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Source {
    /// Bucket.
    pub bucket: BucketRole,
    /// Key of the object.
    pub key: String,
    /// Exact size in bytes.
    pub size_bytes: u64,
    /// Declared media type. The file's magic bytes match it.
    pub content_type: String,
    /// Declared SHA-256 in lowercase hex, which the worker must verify; `null` if none was declared.
    pub sha256: Option<String>,
}

/// Where the outputs go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Destination {
    /// Bucket.
    pub bucket: BucketRole,
    /// Key prefix of this attempt, with a trailing slash.
    pub prefix: String,
}

/// What to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Variants of an image.
    Image {
        /// The variants and the limits.
        plan: ImagePlan,
    },
    /// Renditions of a video or audio file.
    Video {
        /// The tenant's preset: ladder, bit rates, limits.
        #[cfg_attr(feature = "openapi", schema(value_type = Preset))]
        preset: Map<String, Value>,
    },
}

/// Answer of `ClaimJob`: the attempt that the worker now holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimedJob {
    /// The job, in state `running`.
    pub job: JobView,
    /// Attempt number; part of the fence.
    pub attempt: u32,
    /// Lease token; part of the fence. Only this worker knows it.
    pub lease_token: String,
    /// Length of the lease in milliseconds. Each heartbeat renews it.
    pub lease_ms: u64,
    /// When the lease expires unless it is renewed.
    pub lease_until: Timestamp,
    /// Where the original is.
    pub source: Source,
    /// Where the outputs go.
    pub destination: Destination,
    /// What to make.
    pub work: Work,
}

/// Body of `HeartbeatJob`. Send at most one per second, and at least one per third of the lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HeartbeatJob {
    /// Attempt of the claim.
    pub attempt: u32,
    /// Lease token of the claim.
    pub lease_token: String,
    /// Progress, if it changed.
    #[serde(default)]
    pub progress: Option<Progress>,
    /// Outputs that are stored, verified and playable while the rest is being made. Replaces the previous report.
    #[serde(default)]
    pub early: Option<Made>,
}

/// Answer of `HeartbeatJob`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// When the lease expires unless it is renewed.
    pub lease_until: Timestamp,
    /// The job was cancelled: stop at once. Nothing more will be accepted for this attempt.
    pub cancel: bool,
    /// An admin has drained this worker: claim no new jobs.
    pub drain: bool,
}

/// A named output that an attempt stored under its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MadeOutput {
    /// Name, unique within the asset: `hls`, `mp4`, `remux`, `poster`, `thumbnail`, `storyboard`, …
    pub name: String,
    /// File name below the prefix, for example `hls/master.m3u8`.
    pub file: String,
    /// Media type.
    pub content_type: String,
    /// Width in pixels; `null` for audio and text.
    #[serde(default)]
    pub width: Option<u32>,
    /// Height in pixels; `null` for audio and text.
    #[serde(default)]
    pub height: Option<u32>,
    /// Size of the file in bytes; for `hls`, the size of the playlist.
    pub size_bytes: u64,
}

/// Outputs and facts of an attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The named outputs. Segments are not listed here; playlists refer to them.
    pub outputs: Vec<MadeOutput>,
    /// Displayed width in pixels.
    #[serde(default)]
    pub width: Option<u32>,
    /// Displayed height in pixels.
    #[serde(default)]
    pub height: Option<u32>,
    /// Duration in milliseconds.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// Thumbhash in base64.
    #[serde(default)]
    pub placeholder: Option<String>,
    /// Peak memory of the work in bytes.
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
    /// Result of the probe and notes (decode errors, …); stored with the attempt.
    #[serde(default)]
    pub report: Option<Map<String, Value>>,
}

impl Made {
    /// The facts about the original.
    #[must_use]
    pub fn facts(&self) -> Facts {
        Facts {
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            placeholder: self.placeholder.clone(),
        }
    }
}

/// Body of `FinishJob`: ends the attempt successfully and publishes its outputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FinishJob {
    /// Attempt of the claim.
    pub attempt: u32,
    /// Lease token of the claim.
    pub lease_token: String,
    /// The outputs; every file is already stored and verified.
    pub made: Made,
}

/// Body of `FailJob`: ends the attempt with a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FailJob {
    /// Attempt of the claim.
    pub attempt: u32,
    /// Lease token of the claim.
    pub lease_token: String,
    /// Error code: one of those that a native worker may report.
    #[serde(deserialize_with = "code_of_worker")]
    #[cfg_attr(feature = "openapi", schema(schema_with = code_of_worker_schema))]
    pub code: ErrorCode,
    /// What happened, why, and what to do, addressed to the asset's owner.
    pub detail: String,
    /// Whether another attempt can help.
    pub class: FailureWord,
}

/// Reads a code that a native worker may report.
fn code_of_worker<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ErrorCode, D::Error> {
    let word = String::deserialize(deserializer)?;
    word.parse()
        .ok()
        .filter(|code: &ErrorCode| code.is_of_worker())
        .ok_or_else(|| D::Error::unknown_variant(&word, ErrorCode::OF_WORKER))
}

#[cfg(feature = "openapi")]
fn code_of_worker_schema() -> utoipa::openapi::Object {
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::String)
        .description(Some(
            "Error code: one of those that a native worker may report.",
        ))
        .enum_values(Some(ErrorCode::OF_WORKER.iter().copied()))
        .build()
}

/// Body of `ReleaseJob`: gives the attempt back. The job is queued again at once, and no failure is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReleaseJob {
    /// Attempt of the claim.
    pub attempt: u32,
    /// Lease token of the claim.
    pub lease_token: String,
}
