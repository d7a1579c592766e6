//! One attempt at one job, as the work sees it: what was claimed, where files go, and the line to the lease.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::job::{FailureClass, Progress};
use shared::problem::{ErrorCode, Failure};
use shared::worker::{ClaimedJob, Made};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::storage::Storage;

/// A slow fetch is told of this often.
const FETCH_TOLD_EVERY: Duration = Duration::from_millis(400);

/// Everything that a step of the work may use.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Settings of this worker.
    pub config: Arc<Config>,
    /// What was claimed.
    pub claimed: Arc<ClaimedJob>,
    /// The buckets, as this attempt may use them.
    pub storage: Storage,
    /// Its own empty folder; removed after the attempt, however it ends.
    pub scratch: PathBuf,
    /// The line to the lease.
    pub pulse: Pulse,
}

impl Attempt {
    /// The original on disk.
    #[must_use]
    pub fn input(&self) -> PathBuf {
        self.scratch.join("original")
    }

    /// Fetches the original; `seen` hears what share of it is there, often enough for every heartbeat to have news.
    pub async fn fetch(&self, mut seen: impl FnMut(f64) + Send) -> Result<(), WorkError> {
        let total = self.claimed.source.size_bytes.max(1);
        let (mut told, mut told_at) = (0, Instant::now());
        self.storage
            .fetch_original(&self.input(), self.pulse.stop(), |bytes| {
                // In hundredths, or when it is time: a word for every piece would only be overwritten.
                let millionths = bytes.saturating_mul(1_000_000) / total;
                if millionths >= told + 10_000 || told_at.elapsed() >= FETCH_TOLD_EVERY {
                    (told, told_at) = (millionths, Instant::now());
                    let millionths = u32::try_from(millionths).unwrap_or(1_000_000);
                    seen(f64::from(millionths) / 1_000_000.0);
                }
            })
            .await
    }
}

/// What the work tells the lease: the heartbeat of the next second carries it. And what the lease tells the work: stop.
#[derive(Debug, Clone)]
pub struct Pulse {
    progress: watch::Sender<Option<Progress>>,
    early: watch::Sender<Option<Made>>,
    stop: CancellationToken,
}

impl Pulse {
    /// A line, and the lease's ends of it.
    #[must_use]
    pub fn new(
        stop: CancellationToken,
    ) -> (
        Self,
        watch::Receiver<Option<Progress>>,
        watch::Receiver<Option<Made>>,
    ) {
        let (progress, progress_seen) = watch::channel(None);
        let (early, early_seen) = watch::channel(None);
        let pulse = Self {
            progress,
            early,
            stop,
        };
        (pulse, progress_seen, early_seen)
    }

    /// Tells how far the work is; only the latest word is sent.
    pub fn tell(&self, progress: Progress) {
        self.progress.send_replace(Some(progress));
    }

    /// Makes visible what is stored and verified already. Names everything each time.
    pub fn publish_early(&self, made: Made) {
        self.early.send_replace(Some(made));
    }

    /// Cancelled when the attempt must end at once: cancelled, taken over, or the worker shuts down.
    #[must_use]
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

/// Why an attempt made nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", failure.code.as_str(), failure.detail)]
pub struct WorkError {
    /// For the asset's owner.
    pub failure: Failure,
    /// Whether another attempt can help.
    pub class: FailureClass,
}

impl WorkError {
    /// The input can never work.
    #[must_use]
    pub fn permanent(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, detail),
            class: FailureClass::Permanent,
        }
    }

    /// Something around the input went wrong.
    #[must_use]
    pub fn retryable(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, detail),
            class: FailureClass::Retryable,
        }
    }

    /// The attempt was told to stop; nobody reads this.
    #[must_use]
    pub fn stopped() -> Self {
        Self::retryable(ErrorCode::Unavailable, "The attempt was told to stop.")
    }
}
