//! One attempt at one job, as the work sees it: what was claimed, where files go, and the line to the lease.

pub mod ending;
pub mod lease;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shared::job::Progress;
use shared::worker::{ClaimedJob, Made};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::storage::Storage;
use crate::work_error::WorkError;

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
