//! The worker protocol: what a native worker and the edge say to each other. A worker pulls a hint from the queue, claims the
//! job, sends heartbeats while it works, and ends the attempt by finish, fail or release. Every verb carries the fence of
//! the claim: attempt number and lease token.

pub mod queue;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::image::ImagePlan;
use crate::job::{Facts, FailureClass, JobView, Progress};
use crate::problem::ErrorCode;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Which bucket an object is in. Workers know the buckets' names, the edge knows which one it is.
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
        /// The input can never work.
        Permanent = "permanent",
        /// Something around the input went wrong.
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

words! {
    /// Whether a worker takes new jobs.
    WorkerState {
        /// It does.
        Active = "active",
        /// It ends what it has and takes nothing new.
        Draining = "draining",
    }
}

/// An encoder that a worker has proven by encoding with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    /// ffmpeg's name of it, for example `libx264`.
    pub name: String,
    /// Whether it runs on a device of its own.
    pub is_hardware: bool,
}

/// What a worker says of itself when it starts, and again whenever it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RegisterWorker {
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
    /// Whether it takes new jobs; a worker that shuts down says `draining`.
    pub state: WorkerState,
}

/// A worker, as admins see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Worker {
    /// Its id: the `sub` of its token.
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
    /// Whether it takes new jobs, as it says itself.
    pub state: WorkerState,
    /// Whether an admin asked it to take no new jobs.
    pub drain: bool,
    /// Attempts that it holds now.
    pub running: u32,
    /// When it registered first.
    pub registered_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Timestamp,
}

/// Where a worker finds the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Source {
    /// Bucket.
    pub bucket: BucketRole,
    /// Key in it.
    pub key: String,
    /// Exact size.
    pub size_bytes: u64,
    /// Media type, as declared; its magic bytes were checked.
    pub content_type: String,
    /// SHA-256 in lowercase hex that the client declared; the worker verifies it.
    pub sha256: Option<String>,
}

/// Where a worker puts what it makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Destination {
    /// Bucket.
    pub bucket: BucketRole,
    /// Prefix of this attempt, with a slash at its end.
    pub prefix: String,
}

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Work {
    /// Variants of a picture.
    Image {
        /// Which variants, and the limits.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        plan: ImagePlan,
    },
    /// Renditions of a film or of sound.
    Video {
        /// The tenant's preset: ladder, rates, limits.
        #[cfg_attr(feature = "openapi", schema(value_type = Object))]
        preset: Map<String, Value>,
    },
}

/// Answer to a claim: the attempt that the worker holds now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClaimedJob {
    /// The job, running.
    pub job: JobView,
    /// Half of the fence.
    pub attempt: u32,
    /// The other half; only this worker has it.
    pub lease_token: String,
    /// Length of the lease, renewed by each heartbeat.
    pub lease_ms: u64,
    /// Until when it is held without a heartbeat.
    pub lease_until: Timestamp,
    /// Where the original is.
    pub source: Source,
    /// Where the outputs go.
    pub destination: Destination,
    /// What to make.
    pub work: Work,
}

/// A heartbeat; at most one a second, at least one in a third of the lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct HeartbeatJob {
    /// Attempt of the claim.
    pub attempt: u32,
    /// Lease token of the claim.
    pub lease_token: String,
    /// How far the work is, when that is news.
    #[serde(default)]
    pub progress: Option<Progress>,
    /// What is stored, verified and playable already while the rest is being made; replaces what was said before.
    #[serde(default)]
    pub early: Option<Made>,
}

/// Answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// Until when the attempt is held.
    pub lease_until: Timestamp,
    /// The job was cancelled: stop at once, nothing more will be accepted.
    pub cancel: bool,
    /// An admin wants this worker to take no new jobs.
    pub drain: bool,
}

/// A file that an attempt stored under its prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct MadeOutput {
    /// Name, unique within the asset: `hls`, `mp4`, `remux`, `poster`, `thumbnail`, `storyboard`, …
    pub name: String,
    /// File below the prefix, for example `hls/master.m3u8`.
    pub file: String,
    /// Media type.
    pub content_type: String,
    /// Width in pixels, `null` for sound and text.
    #[serde(default)]
    pub width: Option<u32>,
    /// Height in pixels, `null` for sound and text.
    #[serde(default)]
    pub height: Option<u32>,
    /// Size of the file; of `hls` the size of the playlist.
    pub size_bytes: u64,
}

/// What an attempt made and found out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The outputs that have names. Segments have none: playlists name them.
    pub outputs: Vec<MadeOutput>,
    /// Width as displayed.
    #[serde(default)]
    pub width: Option<u32>,
    /// Height as displayed.
    #[serde(default)]
    pub height: Option<u32>,
    /// Duration.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// Thumbhash in base64.
    #[serde(default)]
    pub placeholder: Option<String>,
    /// Largest memory of the work, in bytes.
    #[serde(default)]
    pub peak_memory_bytes: Option<u64>,
    /// What the probe found, and what was noted on the way (decode errors, …); kept with the attempt.
    #[serde(default)]
    pub report: Option<Map<String, Value>>,
}

impl Made {
    /// What was found out about the original.
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

/// Ends the attempt with success: the moment of publication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FinishJob {
    /// Attempt of the claim.
    pub attempt: u32,
    /// Lease token of the claim.
    pub lease_token: String,
    /// What was made; every file is stored and verified.
    pub made: Made,
}

/// Ends the attempt without success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FailJob {
    /// Attempt of the claim.
    pub attempt: u32,
    /// Lease token of the claim.
    pub lease_token: String,
    /// Why.
    pub code: ErrorCode,
    /// What happened, why, and what to do; for the asset's owner.
    pub detail: String,
    /// Whether another attempt can help.
    pub class: FailureWord,
}

/// Gives the attempt back: the job is queued again at once, and no failure is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ReleaseJob {
    /// Attempt of the claim.
    pub attempt: u32,
    /// Lease token of the claim.
    pub lease_token: String,
}
