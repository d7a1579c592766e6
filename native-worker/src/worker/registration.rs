//! Registration at the edge: the worker describes itself, and the answer says whether an admin has drained it.

use std::sync::Arc;
use std::time::Duration;

use shared::worker::{REGISTER_EVERY_MS, RegisterWorker, ReportedState};
use tokio::time::timeout;

use super::state::Worker;
use crate::backoff::Backoff;
use crate::config::Config;
use crate::edge::EdgeError;
use crate::host::tools::Tools;
use crate::version::VERSION;

/// Interval of registrations. Each answer says whether an admin has drained the worker.
const REGISTER_EVERY: Duration = Duration::from_millis(REGISTER_EVERY_MS);

/// Pause between two checks whether the tools are known.
const PAUSE: Duration = Duration::from_secs(1);

/// What a worker reports of its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It takes jobs.
    Running,
    /// It shuts down, but attempts still run.
    Draining,
    /// It has shut down.
    Stopped,
}

impl Worker {
    /// Registers as soon as the tools are known, then regularly, and when a heartbeat says that an admin has drained or
    /// resumed the worker.
    pub(super) async fn stay_registered(self: Arc<Self>) {
        let mut backoff = Backoff::new(PAUSE / 2, Duration::from_secs(10));
        let mut drain_requested = self.drain_requested.subscribe();
        loop {
            let Some(registered) = self.register(Phase::Running).await else {
                let _ = timeout(PAUSE, self.changed.notified()).await;
                continue;
            };
            if let Err(error) = &registered {
                tracing::warn!(%error, "the registration failed");
                backoff.wait().await;
                continue;
            }
            backoff.reset();
            let _ = timeout(REGISTER_EVERY, drain_requested.changed()).await;
        }
    }

    /// Registers once. `None` if the tools are not known yet.
    pub(super) async fn register(&self, phase: Phase) -> Option<Result<(), EdgeError>> {
        let registration = registration(&self.config, self.health.tools()?, phase);
        let answer = self.edge.register(&registration).await;
        if let Ok(worker) = &answer {
            self.health.edge_answered();
            self.health.set_drained(worker.drain);
        }
        let registered = answer.map(|_| ());
        let outcome = registered.as_ref().map_err(ToString::to_string);
        self.health.set_registered(outcome.copied());
        self.changed.notify_waiters();
        Some(registered)
    }
}

/// The description that a worker registers.
pub(crate) fn registration(config: &Config, tools: Tools, phase: Phase) -> RegisterWorker {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    RegisterWorker {
        version: VERSION.to_owned(),
        ffmpeg_version: tools.ffmpeg_version,
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        slots: config.slots,
        encoders: tools.encoders,
        state: match phase {
            Phase::Running => ReportedState::Active,
            Phase::Draining | Phase::Stopped => ReportedState::Draining,
        },
        stopped: phase == Phase::Stopped,
    }
}
