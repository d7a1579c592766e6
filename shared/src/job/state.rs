//! Jobs and their states.

use super::fence::LeaseHash;
use crate::asset::AssetState;
use crate::kind::{AssetKind, RunsOn};
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Kind of work that a job does.
    JobKind {
        /// Makes the WebP variants of an image.
        ProcessImage = "process_image",
        /// Makes the renditions of a video.
        ProcessVideo = "process_video",
        /// Makes the renditions of an audio file.
        ProcessAudio = "process_audio",
    }
}

impl JobKind {
    /// Kind of job that processes an asset of this kind; `None` if assets of this kind are only stored.
    #[must_use]
    pub const fn of(kind: AssetKind) -> Option<Self> {
        match kind {
            AssetKind::Image => Some(Self::ProcessImage),
            AssetKind::Video => Some(Self::ProcessVideo),
            AssetKind::Audio => Some(Self::ProcessAudio),
            AssetKind::Document | AssetKind::Package => None,
        }
    }
}

words! {
    /// State of a job.
    JobState {
        /// Waiting for the upload of its asset to be confirmed. Nothing is stored about such a job but its id.
        AwaitingUpload = "awaiting_upload",
        /// Waiting for a worker.
        Queued = "queued",
        /// A worker holds the lease and is working.
        Running = "running",
        /// Done: all outputs are published.
        Succeeded = "succeeded",
        /// Failed for good: no further attempt will be made, unless the job is redriven.
        Failed = "failed",
        /// Cancelled by its owner.
        Cancelled = "cancelled",
    }
}

/// State of a job, with the values that belong to the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Claimable from `run_at` on. Entered by creation, retry, release and redrive; left by claim, cancel or the deadline.
    Queued {
        /// Earliest time of a claim.
        run_at: Timestamp,
    },
    /// Held by one worker. Entered by claim; left by finish, fail, release, cancel, the deadline, or when the lease expires.
    Running {
        /// Hash of the holder's lease token.
        lease: LeaseHash,
        /// When the lease expires unless it is renewed.
        lease_until: Timestamp,
    },
    /// Final.
    Succeeded,
    /// Final unless redriven.
    Failed,
    /// Final unless redriven.
    Cancelled,
}

impl State {
    /// The state without its values.
    #[must_use]
    pub const fn word(&self) -> JobState {
        match self {
            Self::Queued { .. } => JobState::Queued,
            Self::Running { .. } => JobState::Running,
            Self::Succeeded => JobState::Succeeded,
            Self::Failed => JobState::Failed,
            Self::Cancelled => JobState::Cancelled,
        }
    }
}

/// The part of a job that [`step`](super::step()) reads and changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// State.
    pub state: State,
    /// Number of the latest attempt. Every claim increases it and nothing resets it: part of the fence.
    pub attempt: u32,
    /// Where it runs.
    pub runs_on: RunsOn,
    /// Failed attempts since creation or redrive; at the edge, attempts whose lease expired also count.
    pub failures: u32,
    /// Attempts whose native worker disappeared since creation or redrive.
    pub losses: u32,
    /// When the job fails, whatever its state.
    pub deadline: Timestamp,
}

/// State of an asset whose job is in state `job`.
#[must_use]
pub const fn asset_state(job: JobState) -> AssetState {
    match job {
        JobState::AwaitingUpload => AssetState::AwaitingUpload,
        JobState::Queued | JobState::Running => AssetState::Processing,
        JobState::Succeeded => AssetState::Ready,
        JobState::Failed | JobState::Cancelled => AssetState::Failed,
    }
}
