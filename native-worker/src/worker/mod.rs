//! The worker: tests its tools, registers, takes jobs for its free slots, and shuts down in order.

mod registration;
mod slot;
mod state;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;
use crate::child::trial;
use crate::edge::hint::Hint;
use crate::edge::{EdgeError, PULL_WAIT};
use crate::host::scratch;
use crate::host::tools::{self, Tools};
use crate::ops::meters::{METERS, Pulled};

pub(crate) use self::registration::{Phase, registration};
pub use self::state::Worker;

/// Interval of bucket tests. They are also tested at once when an attempt failed because of a bucket.
const BUCKETS_EVERY: Duration = Duration::from_mins(5);

/// Pause between two checks of the reasons not to take jobs, and between two pulls of a queue that does not wait.
const PAUSE: Duration = Duration::from_secs(1);

/// Time limit for releasing attempts: the work has to stop, and the edge has to be called.
const RELEASE_MAX: Duration = Duration::from_secs(5);

/// Timeout of each registration at shutdown.
const LAST_REGISTRATION_MAX: Duration = Duration::from_secs(2);

impl Worker {
    /// Takes jobs until the first signal. Running attempts may then end within the drain time. Those that still run after it,
    /// or at the second signal, are released.
    pub(crate) async fn run(self: &Arc<Self>, mut signals: mpsc::Receiver<()>) {
        METERS.slots.set(i64::from(self.config.slots));
        let mut background = JoinSet::new();
        background.spawn(self.clone().test_tools());
        background.spawn(self.clone().watch_buckets());
        background.spawn(self.clone().stay_registered());
        let slots = TaskTracker::new();
        tokio::select! {
            () = self.take(&slots) => {}
            _ = signals.recv() => {}
        }
        self.draining.cancel();
        slots.close();
        let running = slots.len();
        tracing::info!(running, "draining");
        background.shutdown().await;
        if running > 0 {
            let registration = timeout(LAST_REGISTRATION_MAX, self.register(Phase::Draining));
            let _ = tokio::join!(registration, self.drain(&slots, &mut signals));
        }
        // A failure does not matter: without this report, the edge only notices the end of the worker later.
        let _ = timeout(LAST_REGISTRATION_MAX, self.register(Phase::Stopped)).await;
    }

    /// Waits for the running attempts, and releases them after the drain time or at the next signal.
    async fn drain(&self, slots: &TaskTracker, signals: &mut mpsc::Receiver<()>) {
        tokio::select! {
            () = slots.wait() => return,
            () = sleep(self.config.drain) => {}
            _ = signals.recv() => {}
        }
        tracing::info!(running = slots.len(), "running attempts are released");
        self.halt.cancel();
        if timeout(RELEASE_MAX, slots.wait()).await.is_err() {
            tracing::warn!("not every attempt was released; their leases will expire");
        }
    }

    /// Sweeps the scratch folder, and tests the tools and the sandbox, once.
    async fn test_tools(self: Arc<Self>) {
        match scratch::sweep(&self.config.scratch) {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "left-over scratch folders were removed"),
            Err(error) => tracing::error!(%error, "left-over scratch folders were not removed"),
        }
        let tools = tools::test(&self.config).await;
        match &tools {
            Ok(Tools {
                ffmpeg_version,
                encoders,
                warnings,
            }) => {
                let names: Vec<&str> = encoders.iter().map(|one| one.name.as_str()).collect();
                tracing::info!(ffmpeg_version, encoders = names.join(","), "the tools work");
                for why in warnings {
                    tracing::warn!(why, "a part of ffmpeg is missing");
                }
            }
            Err(why) => tracing::error!(why, "the tools do not work"),
        }
        let sandbox = trial::test(&self.config).await;
        if let Err(why) = &sandbox {
            tracing::error!(why, "the sandbox does not work");
        }
        self.health.set_sandbox(sandbox);
        self.health.set_tools(tools);
        self.changed.notify_waiters();
    }

    async fn watch_buckets(self: Arc<Self>) {
        let mut backoff = Backoff::new(PAUSE, Duration::from_secs(15));
        loop {
            let tested = self.buckets.test(&self.config.worker_id).await;
            let works = tested.is_ok();
            if let Err(why) = &tested {
                tracing::error!(why, "the buckets do not work");
            }
            self.health.set_buckets(tested);
            self.changed.notify_waiters();
            if works {
                backoff.reset();
                // The result does not matter: in both cases it is time to test.
                let _ = timeout(BUCKETS_EVERY, self.buckets_failed.notified()).await;
            } else {
                backoff.wait().await;
            }
        }
    }

    /// Takes jobs for free slots while there is no reason not to.
    async fn take(self: &Arc<Self>, slots: &TaskTracker) {
        let free = Arc::new(Semaphore::new(
            usize::try_from(self.config.slots).unwrap_or(1),
        ));
        let mut backoff = Backoff::new(PAUSE / 5, Duration::from_secs(5));
        // The first pull, and one after a failure, does not wait: its answer shows at once whether pulls work.
        let mut wait = Duration::ZERO;
        let mut logged = Vec::new();
        loop {
            // The semaphore is never closed.
            let Ok(permit) = free.clone().acquire_owned().await else {
                return;
            };
            let obstacles = self.obstacles();
            if obstacles != logged {
                log(&obstacles);
                logged.clone_from(&obstacles);
            }
            if !obstacles.is_empty() {
                let _ = timeout(PAUSE, self.changed.notified()).await;
                continue;
            }
            let Some(hints) = self.pull(1 + free.available_permits(), wait).await else {
                wait = Duration::ZERO;
                backoff.wait().await;
                continue;
            };
            wait = PULL_WAIT;
            backoff.reset();
            let mut permit = Some(permit);
            for hint in hints {
                // The queue sent more hints than requested: the others become visible again.
                let Some(permit) = permit
                    .take()
                    .or_else(|| free.clone().try_acquire_owned().ok())
                else {
                    break;
                };
                let worker = self.clone();
                slots.spawn(async move {
                    slot::serve(worker, hint).await;
                    drop(permit);
                });
            }
        }
    }

    /// Pulls hints and notes whether that worked. `None` if it did not.
    async fn pull(&self, count: usize, wait: Duration) -> Option<Vec<Hint>> {
        let begun = Instant::now();
        let hints = match self.edge.pull(count, wait).await {
            Ok(hints) => hints,
            Err(error) => {
                tracing::warn!(%error, "a pull failed");
                count_pull("failed");
                let is_temporary = matches!(error, EdgeError::Unavailable { .. });
                self.health.pull_failed(error.to_string(), is_temporary);
                return None;
            }
        };
        self.health.pull_succeeded();
        count_pull(if hints.is_empty() {
            "empty"
        } else {
            "messages"
        });
        // Trap: a queue that does not wait answers an empty pull at once; without a pause the caller would spin.
        if hints.is_empty() && !wait.is_zero() && begun.elapsed() < PAUSE {
            sleep(PAUSE).await;
        }
        Some(hints)
    }
}

fn count_pull(answer: &'static str) {
    METERS.pulls.get_or_create_owned(&Pulled { answer }).inc();
}

fn log(obstacles: &[String]) {
    if obstacles.is_empty() {
        tracing::info!("ready to take jobs");
    } else {
        tracing::warn!(why = obstacles.join("; "), "no jobs are taken");
    }
}
