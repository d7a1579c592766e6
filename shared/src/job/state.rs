//! What a job is and where it stands.

use super::lease::LeaseHash;
use crate::asset::AssetState;
use crate::kind::{AssetKind, RunsOn};
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What a job does.
    JobKind {
        /// Makes the WebP variants of an image.
        ProcessImage = "process_image",
        /// Makes the renditions of a film.
        ProcessVideo = "process_video",
        /// Makes the rendition of sound.
        ProcessAudio = "process_audio",
    }
}

impl JobKind {
    /// What is done with an asset of this kind; `None`: it is only stored.
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
    /// Where a job stands, as one word.
    JobState {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker holds the lease.
        Running = "running",
        /// All outputs are published.
        Succeeded = "succeeded",
        /// No further attempt will be made: the dead letters.
        Failed = "failed",
        /// Its owner stopped it.
        Cancelled = "cancelled",
    }
}

/// Where a job stands, with what that state needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waits until `run_at` for a claim. Entered by creation, retry, release and redrive; left by claim, cancel or the deadline.
    Queued {
        /// Not to be claimed before.
        run_at: Timestamp,
    },
    /// One worker holds it. Entered by claim; left by finish, fail, release, cancel, or when the lease runs out.
    Running {
        /// Who holds it.
        lease: LeaseHash,
        /// Until when, unless renewed.
        lease_until: Timestamp,
    },
    /// Final.
    Succeeded,
    /// Final but for redrive.
    Failed,
    /// Final but for redrive.
    Cancelled,
}

impl State {
    /// The state as one word.
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

/// The part of a job that decides its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Where it stands.
    pub state: State,
    /// Grows with every claim and is never reset: half of the fence.
    pub attempt: u32,
    /// Where it is worked on.
    pub runs_on: RunsOn,
    /// Attempts that failed since creation or redrive; at the edge those that vanished, too.
    pub failures: u32,
    /// Attempts whose native worker vanished since creation or redrive.
    pub losses: u32,
    /// After this it is failed, whatever it is doing.
    pub deadline: Timestamp,
}

/// The state of an asset whose job stands at `job`.
#[must_use]
pub const fn asset_state(job: JobState) -> AssetState {
    match job {
        JobState::Queued | JobState::Running => AssetState::Processing,
        JobState::Succeeded => AssetState::Ready,
        JobState::Failed | JobState::Cancelled => AssetState::Failed,
    }
}
