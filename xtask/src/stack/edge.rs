//! The edge as a process: wrangler, cut off from everything that is not this machine.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::address::PROXIES;
use super::config::Config;
use super::group::{self, MARK};
use super::health::Health;
use super::{log, probe};
use crate::paths::Paths;
use crate::setup::Tools;

/// The runtime that wrangler starts: one process for its proxy, one for the scripts.
pub(super) const RUNTIME: &str = "workerd";

/// Time in which wrangler may replace a runtime process that disappeared. It does so within half a second for the one that
/// runs the scripts, and never for the one that holds the port.
const RECOVERY_GRACE: Duration = Duration::from_millis(1200);

/// Longest wait for one answer while it recovers.
const RECOVERY_PROBE: Duration = Duration::from_millis(400);

/// Variables of the caller that would connect wrangler to an account, or change its Node.
const FOREIGN: [&str; 6] = [
    "CLOUDFLARE_ENV",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_ACCOUNT_ID",
    "CLOUDFLARE_API_BASE_URL",
    "NODE_OPTIONS",
    "NODE_PATH",
];

/// Variables for wrangler.
const SETTINGS: [(&str, &str); 9] = [
    ("CI", "1"),
    ("NO_COLOR", "1"),
    ("FORCE_COLOR", "0"),
    ("WRANGLER_SEND_METRICS", "false"),
    ("WRANGLER_SEND_ERROR_REPORTS", "false"),
    ("WRANGLER_NO_SKILLS_UPDATE_PROMPTS", "true"),
    // No banner, and with it no check for a newer version.
    ("WRANGLER_HIDE_BANNER", "true"),
    // A trace of every call in a local database: nobody reads it, and it costs a quarter of all CPU time.
    ("X_LOCAL_OBSERVABILITY", "false"),
    // Where a request comes from is made up instead of fetched.
    ("CLOUDFLARE_CF_FETCH_ENABLED", "false"),
];

/// How to call wrangler for one stack.
#[derive(Debug)]
pub(super) struct Wrangler {
    node: PathBuf,
    script: PathBuf,
    path: OsString,
    state: PathBuf,
    mark: String,
}

impl Wrangler {
    /// Wrangler with everything that it writes under `state`, its processes marked with `mark`.
    pub(super) fn new(paths: &Paths, tools: &Tools, state: &Path, mark: &str) -> Result<Self> {
        let modules = paths.root.join("node_modules");
        let old = std::env::var_os("PATH").unwrap_or_default();
        let folders = [modules.join(".bin")]
            .into_iter()
            .chain(std::env::split_paths(&old));
        Ok(Self {
            node: tools.node.clone(),
            // The script that `bin/wrangler.js` starts in a second Node.
            script: modules.join("wrangler/wrangler-dist/cli.js"),
            path: std::env::join_paths(folders).context("cannot extend PATH")?,
            state: state.to_path_buf(),
            mark: mark.to_owned(),
        })
    }

    /// A call in the folder of `config`, without arguments yet.
    pub(super) fn command(&self, config: &Config) -> Command {
        let mut command = Command::new(&self.node);
        for name in FOREIGN.into_iter().chain(PROXIES) {
            command.env_remove(name);
        }
        command
            .arg("--no-warnings")
            .arg(&self.script)
            .current_dir(&config.folder)
            .envs(SETTINGS)
            .env("PATH", &self.path)
            .env(MARK, &self.mark)
            .env("WRANGLER_REGISTRY_PATH", self.state.join("registry"))
            .env("WRANGLER_CACHE_DIR", self.state.join("cache"))
            .env("WRANGLER_LOG_PATH", self.state.join("logs/debug"))
            .stdin(Stdio::null());
        command
    }

    /// Starts `wrangler dev` in a group of its own, its output appended to `log`.
    pub(super) fn dev(&self, config: &Config, port: u16, log: &Path) -> Result<Child> {
        let (out, err) = log::append(log)?;
        let arguments = format!(
            "--ip 127.0.0.1 --port {port} --inspector-port 0 --log-level log --show-interactive-dev-session=false --persist-to"
        );
        let mut command = self.command(config);
        command
            .arg("dev")
            .args(config.files.iter().flat_map(|file| ["-c", file]))
            .args(arguments.split(' '))
            .arg(self.state.join("wrangler"))
            .stdout(out)
            .stderr(err)
            .process_group(0);
        command.spawn().context("cannot start wrangler")
    }
}

/// The runtime's processes below wrangler.
#[derive(Debug)]
pub(super) struct Runtime {
    origin: String,
    nonce: String,
    mark: String,
    processes: BTreeSet<u32>,
    missing_since: Option<Instant>,
}

impl Runtime {
    /// The processes that there are now that the edge answers.
    pub(super) fn of(origin: &str, nonce: &str, mark: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            nonce: nonce.to_owned(),
            mark: mark.to_owned(),
            processes: group::marked_named(mark, RUNTIME),
            missing_since: None,
        }
    }

    /// Checks whether one of them has ended.
    pub(super) fn health(&mut self) -> Health {
        if self.missing_since.is_none() && self.processes.iter().all(|id| group::is_running(*id)) {
            return Health::Alive;
        }
        // A reload by wrangler looks the same as a crash: what counts is whether it answers again.
        let since = *self.missing_since.get_or_insert_with(Instant::now);
        let found = group::marked_named(&self.mark, RUNTIME);
        if found.len() >= self.processes.len()
            && probe::is_ready(&self.origin, &self.nonce, RECOVERY_PROBE)
        {
            self.processes = found;
            self.missing_since = None;
            return Health::Ready;
        }
        if since.elapsed() < RECOVERY_GRACE {
            Health::Alive
        } else {
            Health::Dead
        }
    }
}
