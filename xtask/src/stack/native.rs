//! The native worker as a process: the program that is shipped, with settings for this stack.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use shared::auth::Role;

use super::free_port;
use super::group::MARK;
use super::part::Health;
use crate::client;
use crate::token::{self, DevKey};

/// First part of the names of the worker's settings.
const PREFIX: &str = "NATIVE_WORKER_";

/// Variables of the caller that would lead the worker's requests elsewhere than to this machine.
const FOREIGN: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// Time in which a worker must be ready after its start: it tries its encoders, with other stacks on the same cores.
const READY_DEADLINE: Duration = Duration::from_mins(1);

/// Longest wait for one answer.
const PROBE_TIMEOUT: Duration = Duration::from_millis(400);

/// Time for what is open after SIGTERM, within the stack's own.
const DRAIN: Duration = Duration::from_secs(2);

/// A token's life: longer than a stack is left running.
const TOKEN_VALID: Duration = Duration::from_hours(30 * 24);

/// How to start the workers of one stack.
pub(super) struct NativeWorkers {
    program: PathBuf,
    state: PathBuf,
    origin: String,
    key: DevKey,
    /// Settings over those that the stack makes.
    vars: Vec<(String, String)>,
}

impl NativeWorkers {
    /// Workers that run `program`, take jobs from the edge at `origin` and keep what they write under `state`.
    pub(super) fn new(
        program: PathBuf,
        state: &Path,
        origin: &str,
        key: DevKey,
        vars: &[(String, String)],
    ) -> Self {
        Self {
            program,
            state: state.to_path_buf(),
            origin: origin.to_owned(),
            key,
            vars: vars.to_vec(),
        }
    }

    /// Where worker `number` logs to.
    pub(super) fn log(&self, number: u16) -> PathBuf {
        let name = match number {
            1 => "native-worker.log".to_owned(),
            _ => format!("native-worker-{number}.log"),
        };
        self.state.join("logs").join(name)
    }

    /// Where worker `number` keeps the files of its attempts.
    pub(super) fn scratch(&self, number: u16) -> PathBuf {
        self.folder(number).join("scratch")
    }

    fn folder(&self, number: u16) -> PathBuf {
        self.state.join("workers").join(name(number))
    }

    /// Starts worker `number` in a group of its own, its output appended to its log.
    pub(super) fn start(&self, number: u16, mark: &str) -> Result<(Child, Address)> {
        let name = name(number);
        let folder = self.folder(number);
        let scratch = self.scratch(number);
        fs::create_dir_all(&scratch)
            .with_context(|| format!("cannot create {}", scratch.display()))?;
        // A fresh one for each start: that of a worker which died may be held by a child of it for a moment.
        let addr = SocketAddr::from(([127, 0, 0, 1], free_port(0)?));
        fs::write(folder.join("addr"), addr.to_string())
            .with_context(|| format!("cannot write into {}", folder.display()))?;
        let log = self.log(number);
        let out = File::options().create(true).append(true).open(&log);
        let out = out.with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(&self.program);
        // The caller's own settings belong to another worker.
        let foreign = std::env::vars_os()
            .map(|(key, _)| key)
            .filter(|key| key.to_string_lossy().starts_with(PREFIX));
        for key in foreign.chain(FOREIGN.map(Into::into)) {
            command.env_remove(key);
        }
        command
            .envs(self.settings(&name, &scratch, addr)?)
            .envs(self.vars.iter().cloned())
            .env(MARK, mark)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stderr(out.try_clone().context("cannot share the log file")?)
            .stdout(out)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        Ok((child, Address::new(addr)))
    }

    fn settings(
        &self,
        name: &str,
        scratch: &Path,
        addr: SocketAddr,
    ) -> Result<Vec<(String, String)>> {
        let who = token::Options {
            tenant: "dev".to_owned(),
            user: name.to_owned(),
            role: Role::Worker,
        };
        let settings = [
            ("QUEUE_URL", format!("{}/v1/queues/media-jobs", self.origin)),
            ("TOKEN", self.key.token_for(&who, TOKEN_VALID)?),
            ("S3_ENDPOINT", super::s3_endpoint(&self.origin)),
            ("S3_ACCESS_KEY_ID", super::S3_ACCESS_KEY_ID.to_owned()),
            (
                "S3_SECRET_ACCESS_KEY",
                super::S3_SECRET_ACCESS_KEY.to_owned(),
            ),
            ("SCRATCH", scratch.to_string_lossy().into_owned()),
            ("ADDR", addr.to_string()),
            ("DRAIN_MS", DRAIN.as_millis().to_string()),
        ];
        let settings = settings.map(|(name, value)| (format!("{PREFIX}{name}"), value));
        Ok(settings.into())
    }
}

fn name(number: u16) -> String {
    format!("dev-worker-{number}")
}

/// Where a worker's operations endpoints are, and whether it has answered there.
#[derive(Debug)]
pub(super) struct Address {
    addr: SocketAddr,
    started: Instant,
    is_ready: bool,
}

impl Address {
    fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            started: Instant::now(),
            is_ready: false,
        }
    }

    /// Has it answered?
    pub(super) const fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Asks until it has answered once. After that only its end counts: a worker that is stopped or cut off is its own
    /// affair, and what the edge makes of that is under test.
    pub(super) fn health(&mut self) -> Health {
        if self.is_ready {
            return Health::Alive;
        }
        if client::probe(&format!("http://{}/readyz", self.addr), PROBE_TIMEOUT).is_some() {
            self.is_ready = true;
            return Health::Ready;
        }
        if self.started.elapsed() < READY_DEADLINE {
            Health::Alive
        } else {
            Health::Dead
        }
    }
}
