//! [`Attempt`]: one attempt at one job, as the work sees it.

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

/// The longest time between two progress reports of a slow fetch.
const FETCH_REPORT_EVERY: Duration = Duration::from_millis(400);

/// Everything that the work on a job may use.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Settings of this worker.
    pub config: Arc<Config>,
    /// The claimed job.
    pub claimed: Arc<ClaimedJob>,
    /// Access to the buckets.
    pub storage: Storage,
    /// The folder of this attempt. It is empty at the start, and removed after the attempt in any case.
    pub scratch: PathBuf,
    /// Progress to the lease, and its signal to stop.
    pub pulse: Pulse,
}

impl Attempt {
    /// Path of the original in the scratch folder.
    #[must_use]
    pub fn input(&self) -> PathBuf {
        self.scratch.join("original")
    }

    /// Fetches the original. `on_progress` is called with the fetched share, 0–1: after each percent, and at least
    /// every 400 ms while data arrives.
    ///
    /// # Errors
    ///
    /// If the original is missing, is not the declared file, or cannot be fetched or written.
    pub async fn fetch(&self, mut on_progress: impl FnMut(f64) + Send) -> Result<(), WorkError> {
        let total = self.claimed.source.size_bytes.max(1);
        let (mut reported, mut reported_at) = (0, Instant::now());
        self.storage
            .fetch_original(&self.input(), self.pulse.stop(), |bytes| {
                // Each percent, or when a report is due: reports between two heartbeats would only overwrite each other.
                let millionths = bytes.saturating_mul(1_000_000) / total;
                if millionths >= reported + 10_000 || reported_at.elapsed() >= FETCH_REPORT_EVERY {
                    (reported, reported_at) = (millionths, Instant::now());
                    let millionths = u32::try_from(millionths).unwrap_or(1_000_000);
                    on_progress(f64::from(millionths) / 1_000_000.0);
                }
            })
            .await
    }
}

/// The connection between the work and its lease. The next heartbeat carries what the work reports; the lease signals the
/// work to stop.
#[derive(Debug, Clone)]
pub struct Pulse {
    progress: watch::Sender<Option<Progress>>,
    early: watch::Sender<Option<Made>>,
    stop: CancellationToken,
}

impl Pulse {
    /// A connection, and the receivers of the lease.
    #[must_use]
    pub fn new(
        stop: CancellationToken,
    ) -> (
        Self,
        watch::Receiver<Option<Progress>>,
        watch::Receiver<Option<Made>>,
    ) {
        let (progress, progress_receiver) = watch::channel(None);
        let (early, early_receiver) = watch::channel(None);
        let pulse = Self {
            progress,
            early,
            stop,
        };
        (pulse, progress_receiver, early_receiver)
    }

    /// Reports progress. Only the latest report is sent.
    pub fn report(&self, progress: Progress) {
        self.progress.send_replace(Some(progress));
    }

    /// Publishes outputs that are already stored and verified. Each call names all of them.
    pub fn publish_early(&self, made: Made) {
        self.early.send_replace(Some(made));
    }

    /// Cancelled when the work must stop at once: the job was cancelled, the lease is lost, or the worker shuts down.
    #[must_use]
    pub const fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}
