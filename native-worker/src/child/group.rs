//! [`Child`]: a process group that is killed and reaped on drop.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ffmpeg_sidecar::command::FfmpegCommand;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::AsyncReadExt as _;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::signal::unix::{self, SignalKind};
use tokio::task::JoinHandle;

use super::log::Log;
use crate::child::sandbox::Policy;

/// How a child ended.
#[derive(Debug)]
pub struct Exit {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// The end of its stderr.
    pub log: Log,
    /// CPU time of all its threads.
    pub cpu: Duration,
    /// Peak of its resident memory, in bytes, when it was last measured.
    pub peak_memory_bytes: u64,
}

impl Exit {
    /// Whether its exit code was 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status.success()
    }

    /// The signal that ended it.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

/// Pauses a process group while its output cannot be stored. Clones control the same group.
#[derive(Debug, Clone, Default)]
pub struct Valve(Arc<Mutex<Group>>);

#[derive(Debug, Default)]
struct Group {
    /// `None` before the start and after the end, when its number may belong to another process.
    leader: Option<Pid>,
    is_closed: bool,
}

impl Valve {
    /// Pauses the group.
    pub fn close(&self) {
        self.set(true, Signal::STOP);
    }

    /// Resumes the group.
    pub fn open(&self) {
        self.set(false, Signal::CONT);
    }

    /// Whether the group is paused.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.group().is_closed
    }

    fn set(&self, is_closed: bool, signal: Signal) {
        let mut group = self.group();
        if group.is_closed != is_closed {
            group.is_closed = is_closed;
            if let Some(leader) = group.leader {
                // An error means that the group has ended.
                let _ = kill_process_group(leader, signal);
            }
        }
    }

    fn kill(&self) {
        if let Some(leader) = self.group().leader {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }

    fn group(&self) -> MutexGuard<'_, Group> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running child; see the module.
#[derive(Debug)]
pub struct Child {
    process: Process,
    /// Arrives when any child ends.
    some_ended: unix::Signal,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    log: JoinHandle<Log>,
    peak_memory_bytes: u64,
}

impl Child {
    /// Starts the program of the policy in its sandbox. `launcher` is the worker's own program.
    ///
    /// Trap: call it on a thread of the runtime, not of the blocking pool (see [`Policy::apply`]).
    ///
    /// # Errors
    ///
    /// If the launcher cannot be started.
    pub fn spawn(launcher: &Path, policy: &Policy, arguments: &[String]) -> io::Result<Self> {
        // The `spawn` of this type adds an option that ffprobe does not know.
        let mut command = FfmpegCommand::new_with_path(launcher);
        command.args(arguments);
        policy.apply(command.as_inner_mut())?;
        let some_ended = unix::signal(SignalKind::child())?;
        let mut process = Process::new(command.as_inner_mut().spawn()?);
        let inner = &mut process.inner;
        let (stdin, stdout, stderr) =
            (inner.stdin.take(), inner.stdout.take(), inner.stderr.take());
        Ok(Self {
            stdin: stdin.map(ChildStdin::from_std).transpose()?,
            stdout: stdout.map(ChildStdout::from_std).transpose()?,
            log: tokio::spawn(drain(stderr.map(ChildStderr::from_std).transpose()?)),
            process,
            some_ended,
            peak_memory_bytes: 0,
        })
    }

    /// Its stdin. Dropping it closes the stream.
    pub const fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// Its stdout.
    pub const fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// The valve that pauses its group.
    #[must_use]
    pub fn valve(&self) -> Valve {
        self.process.valve.clone()
    }

    /// Kills the whole group. It still has to be waited for.
    pub fn kill(&self) {
        self.process.valve.kill();
    }

    /// Measures the peak of its memory.
    pub fn measure_memory(&mut self) {
        let path = format!("/proc/{}/status", self.process.pid.as_raw_nonzero());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|kib| kib.parse::<u64>().ok());
        let bytes = kib.unwrap_or(0).saturating_mul(1_024);
        self.peak_memory_bytes = self.peak_memory_bytes.max(bytes);
    }

    /// Waits until it has ended, but does not reap it, so that its statistics can still be read.
    ///
    /// # Errors
    ///
    /// If the kernel cannot be asked.
    pub async fn ended(&mut self) -> io::Result<()> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(self.process.pid), look)?.is_none() {
            self.some_ended.recv().await;
        }
        Ok(())
    }

    /// Waits for its end and reaps it. The rest of its group is killed.
    ///
    /// # Errors
    ///
    /// If the kernel cannot be asked.
    pub async fn wait(mut self) -> io::Result<Exit> {
        drop(self.stdin.take());
        self.ended().await?;
        let cpu = cpu_time(self.process.pid);
        let status = self.process.end()?;
        let log = (&mut self.log).await.map_err(io::Error::other)?;
        Ok(Exit {
            status,
            log,
            cpu,
            peak_memory_bytes: self.peak_memory_bytes,
        })
    }
}

/// The process. It is killed with its group and reaped on drop.
#[derive(Debug)]
struct Process {
    inner: std::process::Child,
    pid: Pid,
    valve: Valve,
}

impl Process {
    fn new(inner: std::process::Child) -> Self {
        let pid = Pid::from_child(&inner);
        let valve = Valve::default();
        valve.group().leader = Some(pid);
        Self { inner, pid, valve }
    }

    /// Kills the group and reaps the process. SIGKILL cannot be ignored, so this only waits for the kernel. Later calls return
    /// the same status.
    fn end(&mut self) -> io::Result<ExitStatus> {
        self.valve.kill();
        // Under the lock: once the process is reaped, its number may belong to another one and must get no signal.
        let mut group = self.valve.group();
        group.leader = None;
        self.inner.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            tracing::error!(%error, "a child was not reaped");
        }
    }
}

async fn drain(stderr: Option<ChildStderr>) -> Log {
    let mut log = Log::default();
    let Some(mut stderr) = stderr else { return log };
    let mut buffer = [0; 8 * 1_024];
    while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
        log.push(buffer.get(..length).unwrap_or_default());
    }
    log.end();
    log
}

/// User and system time of an ended process: fields 14 and 15 of `/proc/PID/stat`, see proc(5).
fn cpu_time(pid: Pid) -> Duration {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    // The second field is the name in parentheses. It may hold any character.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    Duration::from_millis(ticks.saturating_mul(1_000) / per_second)
}
