//! The lease of one attempt: heartbeats renew it, and say when the work must stop.
//!
//! Invariant: whoever cannot be sure to hold the lease stops by itself. It is measured by this machine's own clock, from
//! before the request that renewed it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use shared::id::JobId;
use shared::job::Progress;
use shared::problem::ErrorCode;
use shared::worker::{ClaimedJob, Heartbeat, HeartbeatJob, Made};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::edge::{Edge, EdgeError};
use crate::host::clock::uptime;
use crate::ops::meters::METERS;

/// Progress is told this often: so that its reader, behind a network, hears of it once a second.
const NEWS_EVERY: Duration = Duration::from_millis(800);

/// What can be played already does not wait that long: somebody waits for it.
const EARLY_EVERY: Duration = Duration::from_millis(200);

/// Why an attempt was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The job was cancelled.
    Cancelled,
    /// The edge does not know this attempt as the current one.
    Lost,
    /// The lease ran out: the edge was not reached, or this process stood still.
    Expired,
    /// The worker shuts down.
    Drained,
}

/// See the module.
#[derive(Debug)]
pub struct Lease {
    /// The job.
    pub job: JobId,
    /// Half of the fence.
    pub attempt: u32,
    /// The other half.
    pub token: String,
    edge: Edge,
    length: Duration,
    held_until_ms: AtomicU64,
    stop: CancellationToken,
    stopped: OnceLock<Stopped>,
}

impl Lease {
    /// The lease that a claim gave. `asked_at`: [`uptime`] before the claim was sent. `stop` is of this attempt only; cancelled
    /// from outside, it means that the worker shuts down.
    #[must_use]
    pub fn new(
        edge: Edge,
        claimed: &ClaimedJob,
        asked_at: Duration,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let lease = Self {
            job: claimed.job.id,
            attempt: claimed.attempt,
            token: claimed.lease_token.clone(),
            edge,
            length: Duration::from_millis(claimed.lease_ms),
            held_until_ms: AtomicU64::new(0),
            stop,
            stopped: OnceLock::new(),
        };
        lease.renew(asked_at);
        Arc::new(lease)
    }

    /// Cancelled when the work must stop.
    #[must_use]
    pub const fn stop_token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Tells the work to stop; the first reason counts.
    pub fn stop(&self, why: Stopped) {
        // A second reason changes nothing.
        let _ = self.stopped.set(why);
        self.stop.cancel();
    }

    /// Why it was told to stop. Looks at the clock, too: a process that stood still has heard of nothing.
    #[must_use]
    pub fn stopped(&self) -> Option<Stopped> {
        if self.left().is_zero() {
            self.stop(Stopped::Expired);
        }
        let stopped = self.stopped.get().copied();
        stopped.or_else(|| self.stop.is_cancelled().then_some(Stopped::Drained))
    }

    /// How long it is held without another heartbeat.
    #[must_use]
    pub fn left(&self) -> Duration {
        Duration::from_millis(self.held_until_ms.load(Ordering::Acquire)).saturating_sub(uptime())
    }

    fn renew(&self, asked_at: Duration) {
        let until = (asked_at + self.length).as_millis();
        let until = u64::try_from(until).unwrap_or(u64::MAX);
        self.held_until_ms.store(until, Ordering::Release);
    }

    /// Keeps the lease until the work was told to stop. Tells `drain` what the edge says of it.
    pub async fn keep(
        &self,
        mut progress: watch::Receiver<Option<Progress>>,
        mut early: watch::Receiver<Option<Made>>,
        drain: watch::Sender<bool>,
    ) {
        let mut told_at = Instant::now();
        let mut backoff = Backoff::new(self.length / 30, NEWS_EVERY.min(self.length / 10));
        let (mut progress_due, mut early_due, mut is_late) = (false, false, false);
        // While a worker shuts down, the lease is kept until the attempt is given back.
        while matches!(self.stopped(), None | Some(Stopped::Drained)) {
            tokio::select! {
                () = std::future::ready(()), if is_late => {}
                () = sleep_until(told_at + self.length / 3) => {}
                () = news(&mut progress, &mut progress_due, &mut early, &mut early_due) => {
                    let pause = NEWS_EVERY.min(self.length / 3);
                    if !early_due {
                        tokio::select! {
                            () = sleep_until(told_at + pause) => {}
                            () = changed(&mut early) => early_due = true,
                        }
                    }
                    if early_due {
                        sleep_until(told_at + EARLY_EVERY.min(pause)).await;
                    }
                }
            }
            let early_told = take(&mut early, early_due);
            let beat = HeartbeatJob {
                attempt: self.attempt,
                lease_token: self.token.clone(),
                // With what can be played goes the progress, new or not: only progress becomes an event, and by that a
                // viewer hears of it.
                progress: take(&mut progress, progress_due || early_told.is_some()),
                early: early_told,
            };
            let asked_at = uptime();
            told_at = Instant::now();
            let answer = self.edge.heartbeat(self.job, &beat, self.left()).await;
            METERS.heartbeat.observe(told_at.elapsed().as_secs_f64());
            is_late = answer.is_err();
            match answer {
                Ok(Heartbeat {
                    cancel, drain: on, ..
                }) => {
                    self.renew(asked_at);
                    backoff.reset();
                    (progress_due, early_due) = (false, false);
                    drain.send_if_modified(|was| std::mem::replace(was, on) != on);
                    if cancel {
                        self.stop(Stopped::Cancelled);
                    }
                }
                Err(error) => {
                    self.missed(&error);
                    // What was not heard is told again, or what came after it. What was refused would be refused again.
                    let again = error.code() != Some(ErrorCode::RequestInvalid);
                    progress_due = again && beat.progress.is_some();
                    early_due = again && beat.early.is_some();
                    tokio::time::sleep(backoff.next().min(self.left())).await;
                }
            }
        }
    }

    /// A heartbeat was not taken.
    fn missed(&self, error: &EdgeError) {
        match error {
            EdgeError::Refused {
                code: Some(ErrorCode::JobCancelled),
                ..
            } => self.stop(Stopped::Cancelled),
            error if error.is_lost() => {
                tracing::warn!(%error, "the attempt was lost");
                self.stop(Stopped::Lost);
            }
            EdgeError::Refused { .. } | EdgeError::Unreachable(_) => {
                let left_ms = self.left().as_millis();
                tracing::warn!(%error, left_ms, "a heartbeat was not taken");
            }
        }
    }
}

/// Waits until something is to be told.
async fn news(
    progress: &mut watch::Receiver<Option<Progress>>,
    progress_due: &mut bool,
    early: &mut watch::Receiver<Option<Made>>,
    early_due: &mut bool,
) {
    if *progress_due || *early_due {
        return;
    }
    tokio::select! {
        () = changed(progress) => *progress_due = true,
        () = changed(early) => *early_due = true,
    }
}

/// Never comes once the work has ended.
async fn changed<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The latest word, when it was not told yet.
fn take<T: Clone>(receiver: &mut watch::Receiver<Option<T>>, is_due: bool) -> Option<T> {
    let is_new = receiver.has_changed().unwrap_or(false);
    if is_due || is_new {
        receiver.borrow_and_update().clone()
    } else {
        None
    }
}
