//! [`Work`]: what all steps of one video or audio job share.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};
use shared::problem::ErrorCode;
use shared::worker::{Made, MadeOutput};
use tokio::time::Instant;

use super::progress_reporter::ProgressReporter;
use crate::attempt::Attempt;
use crate::child::sandbox::{Limits, Policy, is_limit};
use crate::child::{Activity, Child, Ended, Exit, Log, Watch, broken};
use crate::ops::meters::METERS;
use crate::work_error::WorkError;

/// Free bytes below which the disk counts as full: less than any segment.
const FULL_BYTES: u64 = 256 * 1_024;

/// Nice values. The worker itself (heartbeats!) comes first, then what somebody may be waiting for (remux, poster), then the
/// ladder.
const SOON: i32 = 5;
const LONG: i32 = 10;

/// The state of a job, from the original to the outputs.
#[derive(Debug)]
pub(super) struct Work<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) reporter: ProgressReporter,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    made: Made,
    report: Map<String, Value>,
    notes: Vec<Value>,
    cpu: Duration,
}

impl<'a> Work<'a> {
    pub(super) fn new(attempt: &'a Attempt) -> Self {
        Self {
            attempt,
            reporter: ProgressReporter::new(attempt.pulse.clone()),
            state: Mutex::default(),
        }
    }

    /// Path of the original in the scratch folder.
    pub(super) fn input(&self) -> PathBuf {
        self.attempt.input()
    }

    /// Creates a folder in which a child may write.
    pub(super) async fn folder(&self, name: &str) -> Result<PathBuf, WorkError> {
        let path = self.attempt.scratch.join(name);
        tokio::fs::create_dir(&path)
            .await
            .map_err(|why| self.disk_failed(&why))?;
        Ok(path)
    }

    /// Starts ffmpeg, which may read `read` and write into `folder`.
    pub(super) fn ffmpeg(
        &self,
        arguments: &[String],
        read: &[&Path],
        folder: &Path,
    ) -> Result<Child, WorkError> {
        let policy = policy(&self.attempt.config.ffmpeg, read, Some(folder));
        self.child(&policy, arguments)
    }

    /// Starts ffmpeg for a long task, with a lower priority than short ones.
    pub(super) fn encoder(
        &self,
        arguments: &[String],
        read: &[&Path],
        folder: &Path,
    ) -> Result<Child, WorkError> {
        let mut policy = policy(&self.attempt.config.ffmpeg, read, Some(folder));
        policy.nice = LONG;
        self.child(&policy, arguments)
    }

    /// Starts ffprobe, which may read one file.
    pub(super) fn ffprobe(&self, arguments: &[String], read: &Path) -> Result<Child, WorkError> {
        let policy = policy(&self.attempt.config.ffprobe, &[read], None);
        self.child(&policy, arguments)
    }

    fn child(&self, policy: &Policy, arguments: &[String]) -> Result<Child, WorkError> {
        let launcher = &self.attempt.config.launcher;
        Child::spawn(launcher, policy, arguments).map_err(|why| broken(&why))
    }

    /// The time limits of a child that reads a source of this length.
    pub(super) fn watch(&self, duration_ms: Option<u64>) -> Watch {
        // Ten minutes plus twenty times the length: even a 2160p ladder on one slow core is faster.
        let most = duration_ms.map_or(Duration::from_hours(6), |duration_ms| {
            Duration::from_mins(10) + Duration::from_millis(duration_ms.saturating_mul(20))
        });
        Watch {
            stall: self.attempt.config.stall,
            deadline: Instant::now() + most,
            activity: Activity::default(),
        }
    }

    /// Records the CPU time and memory of a child.
    pub(super) fn record(&self, exit: &Exit) {
        METERS.encoder_cpu.inc_by(exit.cpu.as_secs_f64());
        let mut state = self.state();
        state.cpu += exit.cpu;
        let peak = state.made.peak_memory_bytes.unwrap_or(0);
        state.made.peak_memory_bytes = Some(peak.max(exit.peak_memory_bytes));
    }

    /// Fails unless a child succeeded. The error is retryable, because the input was probed successfully before.
    pub(super) fn check(&self, ended: &Ended, doing: &str) -> Result<(), WorkError> {
        self.record(&ended.exit);
        if ended.exit.is_success() && ended.is_complete {
            return Ok(());
        }
        Err(self.child_failed(&ended.exit, doing))
    }

    /// The error of a child that failed.
    pub(super) fn child_failed(&self, exit: &Exit, doing: &str) -> WorkError {
        if self.attempt.pulse.stop().is_cancelled() {
            return WorkError::stopped();
        }
        // The disk may have free space again: the child removes a file that it could not write completely.
        let was_full = exit
            .log
            .lines()
            .any(|line| line.contains("No space left on device"));
        if was_full || self.is_disk_full() {
            return disk_full();
        }
        let error = self.last_error(&exit.log);
        let (code, how) = match (exit.signal(), exit.status.code()) {
            (Some(signal), _) if is_limit(signal) => (
                ErrorCode::WorkerExhausted,
                format!("it exceeded a limit of the machine (signal {signal})"),
            ),
            (Some(signal), _) => (
                ErrorCode::EncodeFailed,
                format!("it was ended by signal {signal}"),
            ),
            (None, Some(code)) if code == i32::from(crate::child::sandbox::EXIT_CODE) => (
                ErrorCode::Internal,
                format!("it could not be launched ({error})"),
            ),
            (None, Some(255)) => (
                ErrorCode::EncodeFailed,
                "it was ended from outside".to_owned(),
            ),
            (None, code) => (
                ErrorCode::EncodeFailed,
                format!("it ended with code {} ({error})", code.unwrap_or(-1)),
            ),
        };
        WorkError::retryable(
            code,
            format!("ffmpeg could not {doing}: {how}. The job is tried again."),
        )
    }

    /// The last error of a child, without paths of this machine.
    pub(super) fn last_error(&self, log: &Log) -> String {
        let scratch = self.attempt.scratch.display().to_string();
        let line = log.last_error().unwrap_or("no message");
        line.replace(&scratch, "").trim_end_matches('.').to_owned()
    }

    /// Whether the disk of the scratch folder is full.
    pub(super) fn is_disk_full(&self) -> bool {
        rustix::fs::statvfs(&self.attempt.scratch)
            .is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < FULL_BYTES)
    }

    /// The error of a failed access to the scratch folder.
    pub(super) fn disk_failed(&self, why: &io::Error) -> WorkError {
        if self.is_disk_full() {
            return disk_full();
        }
        let detail =
            format!("The worker's scratch folder cannot be used: {why}. The job is tried again.");
        WorkError::retryable(ErrorCode::WorkerExhausted, detail)
    }

    /// The error of an output that failed its verification.
    pub(super) fn invalid(&self, what: &str, why: &dyn std::fmt::Display) -> WorkError {
        if self.is_disk_full() {
            return disk_full();
        }
        let detail = format!("{what} failed its verification: {why}. The job is tried again.");
        WorkError::retryable(ErrorCode::OutputInvalid, detail)
    }

    /// Stores a finished file, removes it from the disk and returns its size.
    pub(super) async fn store(
        &self,
        file: &str,
        from: &Path,
        content_type: &str,
    ) -> Result<u64, WorkError> {
        self.store_large(file, from, content_type, |_| {}).await
    }

    /// As [`Work::store`], for a file that may be large. `on_bytes` is called with the number of stored bytes.
    pub(super) async fn store_large(
        &self,
        file: &str,
        from: &Path,
        content_type: &str,
        on_bytes: impl FnMut(u64) + Send,
    ) -> Result<u64, WorkError> {
        let storage = &self.attempt.storage;
        let size = storage
            .put_large_file(file, from, content_type, on_bytes)
            .await?;
        tokio::fs::remove_file(from)
            .await
            .map_err(|why| self.disk_failed(&why))?;
        Ok(size)
    }

    /// Publishes a stored output under its name.
    pub(super) fn publish(&self, output: MadeOutput) {
        let mut state = self.state();
        match state
            .made
            .outputs
            .iter_mut()
            .find(|one| one.name == output.name)
        {
            Some(before) => *before = output,
            None => state.made.outputs.push(output),
        }
        self.show(&state.made);
    }

    /// Withdraws a published output, because it turned out to be damaged.
    pub(super) fn withdraw(&self, name: &str) {
        let mut state = self.state();
        state.made.outputs.retain(|output| output.name != name);
        self.show(&state.made);
    }

    /// Sends the outputs first, then the progress that names them.
    fn show(&self, made: &Made) {
        self.attempt.pulse.publish_early(made.clone());
        let names = made.outputs.iter().map(|output| output.name.clone());
        self.reporter.outputs(names.collect());
    }

    /// Records properties of the source.
    pub(super) fn update(&self, change: impl FnOnce(&mut Made)) {
        change(&mut self.state().made);
    }

    /// Reports that the source is at least this long.
    pub(super) fn lasts(&self, duration_ms: u64) {
        let mut state = self.state();
        state.made.duration_ms = Some(duration_ms);
        self.attempt.pulse.publish_early(state.made.clone());
    }

    /// Sets a member of the report.
    pub(super) fn report(&self, member: &str, value: Value) {
        self.state().report.insert(member.to_owned(), value);
    }

    /// Adds a note and shows it to the owner of the asset.
    pub(super) fn warn(&self, code: &str, detail: impl Into<String>) {
        let detail: String = detail.into();
        self.reporter.message(&detail);
        self.note(code, detail);
    }

    /// Adds a note to the report.
    pub(super) fn note(&self, code: &str, detail: impl Into<String>) {
        let detail: String = detail.into();
        self.state()
            .notes
            .push(json!({"code": code, "detail": detail}));
    }

    /// The outputs and the report.
    pub(super) fn finish(self) -> Made {
        let State {
            mut made,
            mut report,
            notes,
            cpu,
        } = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        report.insert("notes".to_owned(), Value::Array(notes));
        report.insert("cpu_s".to_owned(), json!(cpu.as_secs_f64()));
        made.report = Some(report);
        made
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn policy(program: &Path, read: &[&Path], folder: Option<&Path>) -> Policy {
    Policy {
        read: read.iter().map(|path| (*path).to_owned()).collect(),
        write: folder.into_iter().map(Path::to_owned).collect(),
        limits: Limits::default(),
        nice: SOON,
        ..Policy::new(program)
    }
}

fn disk_full() -> WorkError {
    WorkError::retryable(
        ErrorCode::WorkerExhausted,
        "The worker's disk is full. The job is tried again, on another worker if there is one.",
    )
}
