//! The parts of a stack as child processes.

use std::fmt;
use std::path::PathBuf;
use std::process::Child;

use rustix::process::Signal;

use super::edge::Runtime;
use super::group;
use super::health::Health;
use super::native::Endpoint;

/// A part by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Wrangler with the edge scripts.
    Edge,
    /// A native worker by its number, from 1.
    NativeWorker(u16),
}

impl Part {
    /// Its mark: that of the stack and its own name, terminated so that none is a prefix of another.
    pub(super) fn mark(self, stack: &str) -> String {
        match self {
            Self::Edge => format!("{stack}/edge/"),
            Self::NativeWorker(number) => format!("{stack}/native-worker-{number}/"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Edge => "edge",
            Self::NativeWorker(_) => "native worker",
        })
    }
}

/// What is watched of a part, beside its first process.
#[derive(Debug)]
pub(super) enum Watch {
    /// The runtime's processes below wrangler.
    Edge(Runtime),
    /// The worker's operations endpoints.
    NativeWorker(Endpoint),
}

/// A part that was started.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) part: Part,
    pub(super) watch: Watch,
    pub(super) log: PathBuf,
    pub(super) mark: String,
    /// The first process, leader of a group of its own.
    pub(super) child: Child,
}

impl Running {
    /// Checks whether the leader, or what is watched, has ended.
    pub(super) fn health(&mut self) -> Health {
        if self.has_ended() {
            return Health::Dead;
        }
        match &mut self.watch {
            Watch::Edge(runtime) => runtime.health(),
            Watch::NativeWorker(endpoint) => endpoint.health(),
        }
    }

    /// Whether it has answered since it was started.
    pub(super) fn is_ready(&self) -> bool {
        match &self.watch {
            // Its start waits for it.
            Watch::Edge(_) => true,
            Watch::NativeWorker(endpoint) => endpoint.is_ready(),
        }
    }

    /// Whether the leader has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// How it ended: a leader that was asked to stop ends without an error.
    pub(super) fn ended(&mut self) -> &'static str {
        let stopped = matches!(self.child.try_wait(), Ok(Some(status)) if status.success());
        if stopped { "stopped" } else { "died" }
    }

    /// Asks the part to stop.
    pub(super) fn terminate(&self) {
        match self.part {
            Part::Edge => group::signal(self.child.id(), Signal::TERM),
            // The worker alone: it ends its children itself.
            Part::NativeWorker(_) => group::signal_one(self.child.id(), Signal::TERM),
        }
    }

    /// Kills the part with all its descendants and waits for the leader.
    pub(super) fn kill(mut self) -> anyhow::Result<()> {
        group::signal(self.child.id(), Signal::KILL);
        let _ = self.child.wait();
        // Descendants that left the group: they would hold the port and answer for the new part, or go on encoding for
        // nobody.
        group::kill_marked(&self.mark)
    }
}
