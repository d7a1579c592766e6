//! The native worker as a process: the program that is shipped, with settings for this stack.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use fs_err as fs;
use shared::auth::Role;

use super::address::{self, PROXIES, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY};
use super::group::MARK;
use super::health::Health;
use super::log;
use crate::token::{self, DevKey};

/// Prefix of the worker's settings.
const PREFIX: &str = "NATIVE_WORKER_";

/// Time in which a worker must be ready after its start: it tests its encoders, with other stacks on the same cores.
const READY_DEADLINE: Duration = Duration::from_mins(1);

/// Longest wait for one answer.
const PROBE_TIMEOUT: Duration = Duration::from_millis(400);

/// Time for open jobs after SIGTERM, within the stack's own.
const DRAIN: Duration = Duration::from_secs(2);

/// Lifetime of a worker's token: longer than a stack is left running.
const TOKEN_VALID: Duration = Duration::from_hours(30 * 24);

/// How to start the workers of one stack.
pub(super) struct NativeWorkers {
    pub(super) program: PathBuf,
    pub(super) state: PathBuf,
    /// The edge that the jobs come from.
    pub(super) origin: String,
    pub(super) key: DevKey,
    /// Settings that override those of the stack.
    pub(super) vars: Vec<(String, String)>,
}

impl NativeWorkers {
    /// The log of worker `number`.
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
    pub(super) fn start(&self, number: u16, mark: &str) -> Result<(Child, Endpoint)> {
        let (folder, scratch) = (self.folder(number), self.scratch(number));
        fs::create_dir_all(&scratch)?;
        // A new one for each start: the port of a worker that died may be held by a child of it for a moment.
        let addr = SocketAddr::from(([127, 0, 0, 1], address::free_port(0)?));
        fs::write(folder.join("addr"), addr.to_string())?;
        let mut command = Command::new(&self.program);
        // The caller's own settings belong to another worker.
        let foreign = std::env::vars_os()
            .map(|(key, _)| key)
            .filter(|key| key.to_string_lossy().starts_with(PREFIX));
        for key in foreign.chain(PROXIES.map(Into::into)) {
            command.env_remove(key);
        }
        let (out, err) = log::append(&self.log(number))?;
        command
            .envs(self.settings(&name(number), &scratch, addr)?)
            .envs(self.vars.iter().cloned())
            .env(MARK, mark)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        Ok((child, Endpoint::new(addr)))
    }

    fn settings(
        &self,
        name: &str,
        scratch: &Path,
        addr: SocketAddr,
    ) -> Result<Vec<(String, String)>> {
        let claims = token::Options {
            tenant: "dev".to_owned(),
            user: name.to_owned(),
            role: Role::Worker,
        };
        let settings = [
            ("QUEUE_URL", format!("{}/v1/queues/media-jobs", self.origin)),
            ("TOKEN", self.key.token_for(&claims, TOKEN_VALID)?),
            ("S3_ENDPOINT", address::s3_endpoint(&self.origin)),
            ("S3_ACCESS_KEY_ID", S3_ACCESS_KEY_ID.to_owned()),
            ("S3_SECRET_ACCESS_KEY", S3_SECRET_ACCESS_KEY.to_owned()),
            ("SCRATCH", scratch.to_string_lossy().into_owned()),
            ("ADDR", addr.to_string()),
            ("DRAIN_MS", DRAIN.as_millis().to_string()),
        ];
        Ok(settings
            .map(|(name, value)| (format!("{PREFIX}{name}"), value))
            .into())
    }
}

fn name(number: u16) -> String {
    format!("dev-worker-{number}")
}

/// A worker's operations endpoints, and whether it has answered there.
#[derive(Debug)]
pub(super) struct Endpoint {
    addr: SocketAddr,
    started: Instant,
    is_ready: bool,
}

impl Endpoint {
    fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            started: Instant::now(),
            is_ready: false,
        }
    }

    /// Whether it has answered.
    pub(super) const fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Asks until it has answered once. After that only the end of its process counts: what the edge makes of a worker that is
    /// suspended or cut off is under test.
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
