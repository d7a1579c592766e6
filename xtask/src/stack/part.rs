//! The parts of a stack as child processes.

use std::collections::BTreeSet;
use std::fmt;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{group, probe};

/// The runtime that wrangler starts: one process for its proxy, one for the scripts.
pub(super) const RUNTIME: &str = "workerd";

/// Time that wrangler gets to bring back a runtime process that vanished. It does so within half a second for
/// the one that runs the scripts, and never for the one that holds the port.
const RECOVERY_GRACE: Duration = Duration::from_millis(1200);

/// Longest wait for one answer while it recovers.
const RECOVERY_PROBE: Duration = Duration::from_millis(400);

/// A part by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Wrangler with the edge scripts.
    Edge,
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Edge => "edge",
        })
    }
}

/// What a look at a part finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Nothing has changed.
    Alive,
    /// It has to be started again.
    Dead,
}

/// A part that was started.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) part: Part,
    child: Child,
    nonce: String,
    runtime: BTreeSet<u32>,
    vanished_at: Option<Instant>,
}

impl Running {
    /// A part just started as the leader of its own group.
    pub(super) fn new(part: Part, child: Child, nonce: String) -> Self {
        Self {
            part,
            child,
            nonce,
            runtime: BTreeSet::new(),
            vanished_at: None,
        }
    }

    /// Notes which processes the runtime consists of now.
    pub(super) fn remember_runtime(&mut self, mark: &str) {
        self.runtime = group::marked_named(mark, RUNTIME);
        self.vanished_at = None;
    }

    /// Looks for an end of the leader, or of the runtime below it.
    pub(super) fn health(&mut self, mark: &str, origin: &str) -> Health {
        if self.has_ended() {
            return Health::Dead;
        }
        if self.vanished_at.is_none() && self.runtime.iter().all(|id| group::is_running(*id)) {
            return Health::Alive;
        }
        // A reload by wrangler looks the same as a crash: what counts is whether it answers again.
        let since = *self.vanished_at.get_or_insert_with(Instant::now);
        let is_complete = group::marked_named(mark, RUNTIME).len() >= self.runtime.len();
        if is_complete && probe::is_ready(origin, &self.nonce, RECOVERY_PROBE) {
            self.remember_runtime(mark);
            crate::say::line(format_args!("restarted: {}", self.part));
            return Health::Alive;
        }
        if since.elapsed() < RECOVERY_GRACE {
            Health::Alive
        } else {
            Health::Dead
        }
    }

    /// Has the leader ended?
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends a signal to the whole group.
    pub(super) fn signal(&self, signal: Signal) {
        group::signal(self.child.id(), signal);
    }

    /// Kills the group and waits for the leader.
    pub(super) fn kill(mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}
