//! One slot: runs an attempt, from the hint of its job to its end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use shared::problem::ErrorCode;
use shared::worker::{ClaimedJob, Made, Work};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;
use tracing::Instrument as _;

use super::state::Worker;
use crate::attempt::ending::{Ending, Outcome};
use crate::attempt::lease::Lease;
use crate::attempt::{Attempt, Pulse};
use crate::backoff::Backoff;
use crate::edge::EdgeError;
use crate::edge::hint::Hint;
use crate::host::clock::uptime;
use crate::host::guard;
use crate::host::scratch::Scratch;
use crate::image;
use crate::ops::meters::{Ended, METERS};
use crate::storage::Storage;
use crate::video;
use crate::work_error::WorkError;

/// How long work may take to end after the signal to stop.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// Time limit for aborting unfinished uploads.
const ABORTS_MAX: Duration = Duration::from_secs(2);

/// Tries of an acknowledgement. Without one the hint is delivered again, and the claim then fails.
const ACKS_MAX: u32 = 3;

/// Claims the job of a hint and runs the attempt.
pub(crate) async fn serve(worker: Arc<Worker>, hint: Hint) {
    let Some(job) = hint.job else {
        tracing::warn!(
            "the queue delivered a message that is not a hint; it is acknowledged and ignored"
        );
        return ack(&worker, &hint).await;
    };
    // The lease is measured from before the claim was sent.
    let asked_at = uptime();
    match worker.edge.claim(job).await {
        Ok(claimed) => {
            let attempt = run(&worker, claimed, asked_at);
            join(ack(&worker, &hint), attempt).await;
        }
        Err(error) if error.is_lost() => {
            tracing::debug!(job.id = %job, %error, "the job of a hint cannot be claimed");
            ack(&worker, &hint).await;
        }
        // The hint becomes visible again, to this or another worker.
        Err(error) => tracing::warn!(job.id = %job, %error, "a claim failed"),
    }
}

async fn ack(worker: &Worker, hint: &Hint) {
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
    for _ in 0..ACKS_MAX {
        match worker.edge.ack(&hint.lease_id).await {
            Ok(()) => return,
            Err(error @ EdgeError::Refused { .. }) => {
                return tracing::warn!(%error, "a hint was not acknowledged");
            }
            Err(EdgeError::Unavailable { .. }) => backoff.wait().await,
        }
    }
}

/// Runs an attempt and records its outcome in the meters.
async fn run(worker: &Arc<Worker>, claimed: ClaimedJob, asked_at: Duration) {
    let span = tracing::info_span!(
        "attempt",
        job.id = %claimed.job.id,
        asset.id = %claimed.job.asset_id,
        attempt = claimed.attempt,
    );
    let kind = claimed.job.kind.as_str();
    METERS.running.inc();
    let outcome = attempt(worker, claimed, asked_at).instrument(span).await;
    METERS.running.dec();
    let outcome = outcome.as_str();
    METERS
        .ended
        .get_or_create_owned(&Ended { kind, outcome })
        .inc();
}

async fn attempt(worker: &Arc<Worker>, claimed: ClaimedJob, asked_at: Duration) -> Outcome {
    let lease = Lease::new(
        worker.edge.clone(),
        &claimed,
        asked_at,
        worker.halt.child_token(),
    );
    let storage = Storage::new(worker.buckets.clone(), &claimed);
    tracing::info!(
        kind = claimed.job.kind.as_str(),
        size_bytes = claimed.source.size_bytes,
        "the attempt starts"
    );
    let begun = tokio::time::Instant::now();
    let result = match scratch(worker, &claimed) {
        Ok(scratch) => {
            let claimed = Arc::new(claimed);
            let (pulse, progress, early) = Pulse::new(lease.stop_token().clone());
            let attempt = Attempt {
                config: worker.config.clone(),
                claimed,
                storage: storage.clone(),
                scratch: scratch.path().to_owned(),
                pulse,
            };
            let keeping = {
                let (lease, drain) = (lease.clone(), worker.drain_requested.clone());
                async move { lease.keep(progress, early, drain).await }
            };
            let keeping = tokio::spawn(keeping.in_current_span());
            let result = finished(&lease, attempt).await;
            // Trap: a heartbeat after the end would be refused, which looks like a lost lease.
            keeping.abort();
            let _ = keeping.await;
            result
        }
        Err(error) => Err(error),
    };
    if matches!(&result, Err(error) if error.failure.code == ErrorCode::StorageFailed) {
        worker.buckets_failed.notify_one();
    }
    let ending = Ending {
        edge: &worker.edge,
        lease: &lease,
        storage: &storage,
    };
    let outcome = ending.report(result).await;
    // The bucket itself removes the parts of uploads that are not aborted in time.
    let _ = timeout(ABORTS_MAX, storage.abort_uploads()).await;
    let ms = begun.elapsed().as_millis();
    tracing::info!(outcome = outcome.as_str(), ms, "the attempt has ended");
    outcome
}

/// The folder of the attempt, if the disk has room for the original.
fn scratch(worker: &Worker, claimed: &ClaimedJob) -> Result<Scratch, WorkError> {
    let exhausted = |why: String| {
        let detail = format!("The worker has no room for this job: {why}. The job is tried again.");
        WorkError::retryable(ErrorCode::WorkerExhausted, detail)
    };
    guard::check_disk(&worker.config, claimed.source.size_bytes).map_err(exhausted)?;
    Scratch::new(&worker.config.scratch, claimed.job.id, claimed.attempt)
        .map_err(|error| exhausted(format!("its scratch folder cannot be created: {error}")))
}

/// Runs the work in a task of its own. When the lease signals to stop, the task ends by itself or is aborted.
async fn finished(lease: &Lease, attempt: Attempt) -> Result<Made, WorkError> {
    let mut work = tokio::spawn(work(attempt).in_current_span());
    let joined = tokio::select! {
        joined = &mut work => joined,
        () = lease.stop_token().cancelled() => stopped(&mut work).await,
    };
    joined.unwrap_or_else(|error| Err(crashed(&error)))
}

async fn stopped(
    work: &mut JoinHandle<Result<Made, WorkError>>,
) -> Result<Result<Made, WorkError>, JoinError> {
    if let Ok(joined) = timeout(STOP_GRACE, &mut *work).await {
        return joined;
    }
    tracing::warn!("the work did not stop in time; it is aborted");
    work.abort();
    work.await
}

fn crashed(error: &JoinError) -> WorkError {
    if error.is_cancelled() {
        return WorkError::stopped();
    }
    tracing::error!(%error, "the work panicked");
    let detail = "The worker crashed on this job. The job is tried again.";
    WorkError::retryable(ErrorCode::Internal, detail)
}

async fn work(attempt: Attempt) -> Result<Made, WorkError> {
    match &attempt.claimed.work {
        Work::Image { plan } => image::run(&attempt, plan).await,
        // On the heap, because this future is large and is moved into its task.
        Work::Video { .. } => Box::pin(video::run(&attempt)).await,
    }
}
