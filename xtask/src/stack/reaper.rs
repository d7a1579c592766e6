//! The reaper: a second process of this program that kills what the first one started, once the first one is gone.
//!
//! It holds the reading end of a pipe. When the other end closes, for whatever reason, SIGKILL included, it kills every
//! process of the stack.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result};

use super::group;

/// The hidden command of this program that is the reaper.
pub const COMMAND: &str = "reap";

/// A waiting reaper. Dropping it kills the stack's processes and returns when they are gone.
#[derive(Debug)]
pub(super) struct Reaper {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Reaper {
    /// Starts one for the processes marked with `mark`.
    pub(super) fn start(mark: &str) -> Result<Self> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut child = Command::new(program)
            .args([COMMAND, mark])
            // Its own group: a Ctrl-C on the terminal is not for it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the reaper process")?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.pipe.take());
        let _ = self.child.wait();
    }
}

/// Waits for the end of the pipe, then kills the processes marked with `mark`.
///
/// # Errors
///
/// When a process does not end.
pub fn run(mark: &str) -> Result<()> {
    let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
    group::kill_marked(mark)
}
