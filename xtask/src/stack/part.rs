//! The parts of a stack as child processes.

use std::fmt;
use std::path::PathBuf;
use std::process::Child;

use rustix::process::Signal;

use super::edge::Runtime;
use super::group;
use super::native::Address;

/// A part by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Wrangler with the edge scripts.
    Edge,
    /// A native worker by its number, from 1.
    NativeWorker(u16),
}

impl Part {
    /// Its mark: that of the stack and its own name, ended so that none is the beginning of another.
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

/// What a look at a part finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    /// Nothing has changed.
    Alive,
    /// It answers for the first time since it was started or had vanished.
    Ready,
    /// It has to be started again.
    Dead,
}

/// What is watched of a part, beside its first process.
#[derive(Debug)]
pub(super) enum Watch {
    /// The runtime's processes below wrangler.
    Edge(Runtime),
    /// The worker's operations endpoints.
    NativeWorker(Address),
}

/// A part that was started.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) part: Part,
    pub(super) watch: Watch,
    pub(super) log: PathBuf,
    child: Child,
    mark: String,
}

impl Running {
    /// A part just started as the leader of its own group.
    pub(super) fn new(part: Part, child: Child, watch: Watch, log: PathBuf, mark: String) -> Self {
        Self {
            part,
            watch,
            log,
            child,
            mark,
        }
    }

    /// Looks for an end of the leader, or of what is watched.
    pub(super) fn health(&mut self) -> Health {
        if self.has_ended() {
            return Health::Dead;
        }
        match &mut self.watch {
            Watch::Edge(runtime) => runtime.health(),
            Watch::NativeWorker(address) => address.health(),
        }
    }

    /// Has it answered since it was started?
    pub(super) fn is_ready(&self) -> bool {
        match &self.watch {
            // Its start waits for it.
            Watch::Edge(_) => true,
            Watch::NativeWorker(address) => address.is_ready(),
        }
    }

    /// The leader.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Has the leader ended?
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks the part to stop.
    pub(super) fn terminate(&self) {
        match self.part {
            Part::Edge => group::signal(self.child.id(), Signal::TERM),
            // The worker alone: it decides what becomes of its children.
            Part::NativeWorker(_) => group::signal_one(self.child.id(), Signal::TERM),
        }
    }

    /// Kills the part with all its descendants and waits for the leader.
    pub(super) fn kill(mut self) -> anyhow::Result<()> {
        group::signal(self.child.id(), Signal::KILL);
        let _ = self.child.wait();
        // What has left the group: it would hold the port and answer for the new one, or go on encoding for nobody.
        group::kill_marked(&self.mark)
    }
}
