//! The worker: tests its tools, registers, takes jobs for its free slots, and shuts down in order.

mod registration;
mod slot;
mod state;

use std::sync::Arc;
use std::time::Duration;

use shared::worker::WorkerState;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;
use crate::host::scratch;
use crate::host::tools::{self, Tools};
use crate::ops::meters::{METERS, Pulled};

pub(crate) use self::registration::registration;
pub use self::state::Worker;

/// Interval of bucket tests. They are also tested at once when an attempt failed because of a bucket.
const BUCKETS_EVERY: Duration = Duration::from_mins(5);

/// Pause between two checks of the reasons not to take jobs, and between two pulls of a queue that does not wait.
const PAUSE: Duration = Duration::from_secs(1);

/// How long to release attempts: the time for work to stop, and a call to the edge.
const RELEASE_MAX: Duration = Duration::from_secs(5);

/// Timeout of the registration at shutdown.
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
        let registration = timeout(LAST_REGISTRATION_MAX, self.register(WorkerState::Draining));
        let drained = async {
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
        };
        let _ = tokio::join!(registration, drained);
    }

    /// Sweeps the scratch folder and tests the tools, once.
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
            let count = 1 + free.available_permits();
            let begun = Instant::now();
            let hints = match self.edge.pull(count).await {
                Ok(hints) => hints,
                Err(error) => {
                    tracing::warn!(%error, "a pull failed");
                    pulled("failed");
                    backoff.wait().await;
                    continue;
                }
            };
            backoff.reset();
            self.health.edge_answered();
            pulled(if hints.is_empty() {
                "empty"
            } else {
                "messages"
            });
            // Trap: a queue that does not wait answers an empty pull at once; without a pause this loop would spin.
            if hints.is_empty() && begun.elapsed() < PAUSE {
                sleep(PAUSE).await;
            }
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
}

fn pulled(answer: &'static str) {
    METERS.pulls.get_or_create_owned(&Pulled { answer }).inc();
}

fn log(obstacles: &[String]) {
    if obstacles.is_empty() {
        tracing::info!("ready to take jobs");
    } else {
        tracing::warn!(why = obstacles.join("; "), "no jobs are taken");
    }
}
