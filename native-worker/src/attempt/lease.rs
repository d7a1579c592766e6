//! [`Lease`]: heartbeats renew the lease of an attempt, and their answers say when the work must stop.
//!
//! Invariant: an attempt that is not sure to hold its lease stops. The lease is measured by the clock of this machine, from
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

/// Interval of progress reports: with the delay of the network, clients get progress about once a second.
const PROGRESS_EVERY: Duration = Duration::from_millis(800);

/// Outputs that are playable early are reported sooner, because somebody may be waiting for them.
const EARLY_EVERY: Duration = Duration::from_millis(200);

/// Why an attempt had to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The job was cancelled.
    Cancelled,
    /// For the edge, this attempt is not the current one.
    Lost,
    /// The lease expired: the edge could not be reached, or this program was suspended.
    Expired,
    /// The worker shuts down.
    Drained,
}

/// The lease of one attempt; see the module.
#[derive(Debug)]
pub struct Lease {
    /// Id of the job.
    pub job: JobId,
    /// Attempt number: one half of the fence.
    pub attempt: u32,
    /// Lease token: the other half of the fence.
    pub token: String,
    edge: Edge,
    length: Duration,
    held_until_ms: AtomicU64,
    stop: CancellationToken,
    stopped: OnceLock<Stopped>,
}

impl Lease {
    /// The lease of a claim. `asked_at` is the [`uptime`] before the claim was sent. `stop` belongs to this attempt only; if
    /// it is cancelled from outside, the worker is shutting down.
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

    /// Signals the work to stop. The first reason counts.
    pub fn stop(&self, why: Stopped) {
        // An error means that there is a reason already.
        let _ = self.stopped.set(why);
        self.stop.cancel();
    }

    /// Why the work must stop; `None` if it need not. This also checks the clock, because a suspended program has missed
    /// its heartbeats.
    #[must_use]
    pub fn stopped(&self) -> Option<Stopped> {
        if self.left().is_zero() {
            self.stop(Stopped::Expired);
        }
        let stopped = self.stopped.get().copied();
        stopped.or_else(|| self.stop.is_cancelled().then_some(Stopped::Drained))
    }

    /// How long the lease lasts without another heartbeat.
    #[must_use]
    pub fn left(&self) -> Duration {
        Duration::from_millis(self.held_until_ms.load(Ordering::Acquire)).saturating_sub(uptime())
    }

    fn renew(&self, asked_at: Duration) {
        let until = (asked_at + self.length).as_millis();
        let until = u64::try_from(until).unwrap_or(u64::MAX);
        self.held_until_ms.store(until, Ordering::Release);
    }

    /// Sends heartbeats until the work must stop. Passes the `drain` of their answers on.
    pub async fn keep(
        &self,
        mut progress: watch::Receiver<Option<Progress>>,
        mut early: watch::Receiver<Option<Made>>,
        drain: watch::Sender<bool>,
    ) {
        let mut sent_at = Instant::now();
        let mut backoff = Backoff::new(self.length / 30, PROGRESS_EVERY.min(self.length / 10));
        let (mut progress_due, mut early_due, mut is_late) = (false, false, false);
        // While the worker shuts down, the lease is renewed until the attempt is released.
        while matches!(self.stopped(), None | Some(Stopped::Drained)) {
            tokio::select! {
                () = std::future::ready(()), if is_late => {}
                () = sleep_until(sent_at + self.length / 3) => {}
                () = due(&mut progress, &mut progress_due, &mut early, &mut early_due) => {
                    let pause = PROGRESS_EVERY.min(self.length / 3);
                    if !early_due {
                        tokio::select! {
                            () = sleep_until(sent_at + pause) => {}
                            () = changed(&mut early) => early_due = true,
                        }
                    }
                    if early_due {
                        sleep_until(sent_at + EARLY_EVERY.min(pause)).await;
                    }
                }
            }
            let early_made = take(&mut early, early_due);
            let beat = HeartbeatJob {
                attempt: self.attempt,
                lease_token: self.token.clone(),
                // Early outputs always come with progress, even an old one: only progress becomes an event, and clients
                // learn of the outputs from that event.
                progress: take(&mut progress, progress_due || early_made.is_some()),
                early: early_made,
            };
            let asked_at = uptime();
            sent_at = Instant::now();
            let answer = self.edge.heartbeat(self.job, &beat, self.left()).await;
            METERS.heartbeat.observe(sent_at.elapsed().as_secs_f64());
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
                    // What did not arrive is sent again, or what replaced it. What was refused would be refused again.
                    let again = error.code() != Some(ErrorCode::RequestInvalid);
                    progress_due = again && beat.progress.is_some();
                    early_due = again && beat.early.is_some();
                    tokio::time::sleep(backoff.next().min(self.left())).await;
                }
            }
        }
    }

    /// A heartbeat failed.
    fn missed(&self, error: &EdgeError) {
        match error {
            EdgeError::Refused {
                code: Some(ErrorCode::JobCancelled),
                ..
            } => self.stop(Stopped::Cancelled),
            error if error.is_lost() => {
                tracing::warn!(%error, "the lease was lost");
                self.stop(Stopped::Lost);
            }
            EdgeError::Refused { .. } | EdgeError::Unavailable { .. } => {
                let left_ms = self.left().as_millis();
                tracing::warn!(%error, left_ms, "a heartbeat failed");
            }
        }
    }
}

/// Waits until there is something to report.
async fn due(
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

/// Waits for a new value. Once the work has ended, this never returns.
async fn changed<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// The latest value, if it was not sent yet.
fn take<T: Clone>(receiver: &mut watch::Receiver<Option<T>>, is_due: bool) -> Option<T> {
    let is_new = receiver.has_changed().unwrap_or(false);
    if is_due || is_new {
        receiver.borrow_and_update().clone()
    } else {
        None
    }
}
