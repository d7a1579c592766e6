//! The edge as a process: wrangler, cut off from everything that is not this machine.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::config::Config;
use super::group::{self, MARK};
use super::part::Health;
use super::probe;
use crate::paths::Paths;
use crate::setup::Tools;

/// The runtime that wrangler starts: one process for its proxy, one for the scripts.
pub(super) const RUNTIME: &str = "workerd";

/// Time that wrangler gets to bring back a runtime process that vanished. It does so within half a second for
/// the one that runs the scripts, and never for the one that holds the port.
const RECOVERY_GRACE: Duration = Duration::from_millis(1200);

/// Longest wait for one answer while it recovers.
const RECOVERY_PROBE: Duration = Duration::from_millis(400);

/// Variables of the caller that would point wrangler elsewhere than this machine, or change its Node.
const FOREIGN: [&str; 10] = [
    "CLOUDFLARE_ENV",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_ACCOUNT_ID",
    "CLOUDFLARE_API_BASE_URL",
    "NODE_OPTIONS",
    "NODE_PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
];

/// How to call wrangler for one stack.
#[derive(Debug)]
pub(super) struct Wrangler {
    node: PathBuf,
    script: PathBuf,
    path: std::ffi::OsString,
    state: PathBuf,
    mark: String,
}

impl Wrangler {
    /// Wrangler with everything it writes under `state`, its processes marked with `mark`.
    pub(super) fn new(paths: &Paths, tools: &Tools, state: &Path, mark: &str) -> Result<Self> {
        let old = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(paths.root.join("node_modules/.bin"))
            .chain(std::env::split_paths(&old));
        Ok(Self {
            node: tools.node.clone(),
            // The script that `bin/wrangler.js` starts in a second Node.
            script: paths
                .root
                .join("node_modules/wrangler/wrangler-dist/cli.js"),
            path: std::env::join_paths(folders).context("PATH cannot be extended")?,
            state: state.to_path_buf(),
            mark: mark.to_owned(),
        })
    }

    /// A call in the folder of `config`, without words yet.
    pub(super) fn command(&self, config: &Config) -> Command {
        let mut command = Command::new(&self.node);
        for name in FOREIGN {
            command.env_remove(name);
        }
        command
            .arg("--no-warnings")
            .arg(&self.script)
            .current_dir(&config.folder)
            .env("PATH", &self.path)
            .env(MARK, &self.mark)
            .env("CI", "1")
            .env("NO_COLOR", "1")
            .env("FORCE_COLOR", "0")
            .env("WRANGLER_SEND_METRICS", "false")
            .env("WRANGLER_SEND_ERROR_REPORTS", "false")
            .env("WRANGLER_NO_SKILLS_UPDATE_PROMPTS", "true")
            // No banner, and with it no look for a newer version.
            .env("WRANGLER_HIDE_BANNER", "true")
            // A trace of every call in a local database: nobody reads it, and it costs a quarter of all CPU time.
            .env("X_LOCAL_OBSERVABILITY", "false")
            // Where the request comes from is made up, not asked for.
            .env("CLOUDFLARE_CF_FETCH_ENABLED", "false")
            .env("WRANGLER_REGISTRY_PATH", self.state.join("registry"))
            .env("WRANGLER_CACHE_DIR", self.state.join("cache"))
            .env("WRANGLER_LOG_PATH", self.state.join("logs/debug"))
            .stdin(Stdio::null());
        command
    }

    /// Starts `wrangler dev` in a group of its own, its output appended to `log`.
    pub(super) fn dev(&self, config: &Config, port: u16, log: &Path) -> Result<Child> {
        let out = File::options().create(true).append(true).open(log);
        let out = out.with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = self.command(config);
        command.arg("dev");
        for file in &config.files {
            command.args(["-c", file]);
        }
        command
            .args([
                "--ip",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--inspector-port",
                "0",
            ])
            .args([
                "--log-level",
                "log",
                "--show-interactive-dev-session=false",
                "--persist-to",
            ])
            .arg(self.state.join("wrangler"))
            .stderr(out.try_clone().context("cannot share the log file")?)
            .stdout(out)
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
    vanished_at: Option<Instant>,
}

impl Runtime {
    /// Notes which processes it consists of now that the edge answers.
    pub(super) fn of(origin: &str, nonce: &str, mark: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            nonce: nonce.to_owned(),
            mark: mark.to_owned(),
            processes: group::marked_named(mark, RUNTIME),
            vanished_at: None,
        }
    }

    /// Looks for an end of one of them.
    pub(super) fn health(&mut self) -> Health {
        if self.vanished_at.is_none() && self.processes.iter().all(|id| group::is_running(*id)) {
            return Health::Alive;
        }
        // A reload by wrangler looks the same as a crash: what counts is whether it answers again.
        let since = *self.vanished_at.get_or_insert_with(Instant::now);
        let found = group::marked_named(&self.mark, RUNTIME);
        if found.len() >= self.processes.len()
            && probe::is_ready(&self.origin, &self.nonce, RECOVERY_PROBE)
        {
            self.processes = found;
            self.vanished_at = None;
            return Health::Ready;
        }
        if since.elapsed() < RECOVERY_GRACE {
            Health::Alive
        } else {
            Health::Dead
        }
    }
}
