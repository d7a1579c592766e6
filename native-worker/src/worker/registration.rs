//! Registration at the edge: it says what this worker is, and the answer says whether an admin wants it.

use std::sync::Arc;
use std::time::Duration;

use shared::worker::{RegisterWorker, WorkerState};
use tokio::time::timeout;

use super::state::Worker;
use crate::backoff::Backoff;
use crate::config::Config;
use crate::edge::EdgeError;
use crate::host::tools::Tools;
use crate::version::VERSION;

/// A registration is renewed: the answer tells whether an admin wants the worker.
const REGISTER_EVERY: Duration = Duration::from_secs(30);

/// Between two looks whether the tools are known.
const PAUSE: Duration = Duration::from_secs(1);

impl Worker {
    /// Registers as soon as the tools are known, and again and again: heartbeats and registrations tell whether an
    /// admin wants this worker.
    pub(super) async fn stay_registered(self: Arc<Self>) {
        let mut backoff = Backoff::new(PAUSE / 2, Duration::from_secs(10));
        let mut told = self.drain_told.subscribe();
        loop {
            let Some(registered) = self.register(WorkerState::Active).await else {
                let _ = timeout(PAUSE, self.changed.notified()).await;
                continue;
            };
            if let Err(error) = &registered {
                tracing::warn!(%error, "the worker is not registered");
                backoff.wait().await;
                continue;
            }
            backoff.reset();
            // A heartbeat that tells something new is looked into by registering again.
            let _ = timeout(REGISTER_EVERY, told.changed()).await;
        }
    }

    /// Says what this worker is. `None`: it does not know yet.
    pub(super) async fn register(&self, state: WorkerState) -> Option<Result<(), EdgeError>> {
        let registration = registration(&self.config, self.health.tools()?, state);
        let answer = self.edge.register(&registration).await;
        if let Ok(worker) = &answer {
            self.health.edge_answered();
            self.health.set_unwanted(worker.drain);
        }
        let registered = answer.map(|_| ());
        let word = registered.as_ref().map_err(ToString::to_string);
        self.health.set_registered(word.copied());
        self.changed.notify_waiters();
        Some(registered)
    }
}

/// What a worker says of itself.
pub(crate) fn registration(config: &Config, tools: Tools, state: WorkerState) -> RegisterWorker {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    RegisterWorker {
        version: VERSION.to_owned(),
        ffmpeg_version: tools.ffmpeg_version,
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        slots: config.slots,
        encoders: tools.encoders,
        state,
    }
}
