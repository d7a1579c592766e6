//! The local stack: the edge on local D1, R2, Queues and Durable Objects, one origin for everything.
//!
//! Invariant: however this process ends, nothing that it started stays behind: the reaper sees to it. And
//! whatever stayed behind all the same (both killed at once) is ended by the next start on the same state.

mod config;
mod cron;
mod database;
mod edge;
mod group;
mod part;
mod probe;
pub(crate) mod reaper;
pub(crate) mod stop;

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;

use self::config::Config;
use self::cron::Cron;
use self::edge::Wrangler;
use self::part::{Health, Part, Running};
use self::reaper::Reaper;
use self::stop::Stop;
use crate::lock::Lock;
use crate::paths::Paths;
use crate::say::{self, Step};
use crate::setup::Tools;
use crate::token::DevKey;

/// Time in which a part that was asked to stop does so before it is killed; all within the 10 s of `dev`.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// Restarts of one part within [`CRASH_WINDOW`] after which the stack gives up.
const CRASHES_MAX: usize = 8;
const CRASH_WINDOW: Duration = Duration::from_mins(1);

/// What to start.
#[derive(Debug)]
pub(crate) struct Options {
    /// Port of the origin; 0 takes a free one.
    pub(crate) port: u16,
    /// Folder of everything that the stack keeps.
    pub(crate) state: PathBuf,
    /// Variables for the scripts, over those that the stack sets itself.
    pub(crate) vars: Vec<(String, String)>,
}

/// A running stack.
pub(crate) struct Stack {
    origin: String,
    port: u16,
    wrangler: Wrangler,
    config: Config,
    vars: Vec<(String, String)>,
    log: PathBuf,
    parts: Vec<Running>,
    crashes: Vec<Instant>,
    mark: String,
    cron: Cron,
    // Dropped in this order: the processes end before the state is let go.
    _reaper: Reaper,
    _lock: Lock,
}

impl Stack {
    /// Starts every part and returns when all of them answer.
    pub(crate) fn start(
        paths: &Paths,
        tools: &Tools,
        options: &Options,
        stop: &Stop,
    ) -> Result<Self> {
        Self::start_in(&paths.root, paths, tools, options, stop)
    }

    /// As [`Stack::start`], with the wrangler files of `folder` instead of the checkout's.
    pub(crate) fn start_in(
        folder: &Path,
        paths: &Paths,
        tools: &Tools,
        options: &Options,
        stop: &Stop,
    ) -> Result<Self> {
        let state = std::path::absolute(&options.state).context("the state folder")?;
        fs::create_dir_all(state.join("logs"))
            .with_context(|| format!("cannot create {}", state.display()))?;
        let state = fs::canonicalize(&state)
            .with_context(|| format!("cannot follow {}", state.display()))?;
        let Some(lock) = Lock::now(&state.join("lock"))? else {
            bail!(
                "another stack runs on the state {}: stop it or choose another by --state",
                state.display()
            );
        };
        group::kill_marked(&format!("{}#", state.display()))?;
        let port = free_port(options.port)?;
        let mark = format!("{}#{}", state.display(), nonce()?);
        let reaper = Reaper::start(&mark)?;
        let wrangler = Wrangler::new(paths, tools, &state, &mark)?;
        let config = config::write(folder, &state)?;
        database::migrate(paths, &wrangler, &config, &state)?;
        let origin = format!("http://127.0.0.1:{port}");
        let mut stack = Self {
            vars: variables(&origin, &DevKey::of(paths)?, &options.vars),
            log: new_log(&state)?,
            cron: Cron::new(&origin),
            parts: Vec::new(),
            crashes: Vec::new(),
            _reaper: reaper,
            _lock: lock,
            origin,
            port,
            wrangler,
            config,
            mark,
        };
        let starting = Step::start("starting the edge");
        match stack.start_part(Part::Edge, stop) {
            Ok(()) => starting.ok(),
            Err(error) => {
                starting.failed();
                return Err(error);
            }
        }
        Ok(stack)
    }

    /// Where everything answers: `http://127.0.0.1:PORT`.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// CPU time that the runtime's processes have used so far.
    pub(crate) fn runtime_cpu(&self) -> Duration {
        group::marked_named(&self.mark, part::RUNTIME)
            .into_iter()
            .map(group::cpu_time)
            .sum()
    }

    /// One look at the parts: restarts those that died, and lets the cron fire when it is due.
    pub(crate) fn look(&mut self, stop: &Stop) -> Result<()> {
        self.cron.tick();
        let dead: Vec<Part> = self
            .parts
            .iter_mut()
            .filter_map(|running| {
                (running.health(&self.mark, &self.origin) == Health::Dead).then_some(running.part)
            })
            .collect();
        for part in dead {
            self.restart(part, stop)?;
        }
        Ok(())
    }

    fn restart(&mut self, part: Part, stop: &Stop) -> Result<()> {
        let now = Instant::now();
        self.crashes
            .retain(|crash| now.duration_since(*crash) < CRASH_WINDOW);
        self.crashes.push(now);
        if self.crashes.len() > CRASHES_MAX {
            bail!(
                "the {part} died {CRASHES_MAX} times within a minute\n{}",
                probe::log_tail(&self.log)
            );
        }
        say::note(format_args!("  ..  the {part} died, starting it again"));
        if let Some(index) = self.parts.iter().position(|running| running.part == part) {
            // The whole group: what is left of it would hold the port and answer for the new one.
            self.parts.remove(index).kill();
        }
        if part == Part::Edge {
            group::kill_marked(&self.mark)?;
        }
        self.start_part(part, stop)?;
        say::line(format_args!("restarted: {part}"));
        Ok(())
    }

    fn start_part(&mut self, part: Part, stop: &Stop) -> Result<()> {
        match part {
            Part::Edge => {
                let nonce = nonce()?;
                let own = [("NONCE".to_owned(), nonce.clone())];
                config::write_vars(&self.config.folder, &[self.vars.as_slice(), &own].concat())?;
                let mut child = self.wrangler.dev(&self.config, self.port, &self.log)?;
                let ready = probe::wait_ready(&self.origin, &nonce, &mut child, &self.log, stop);
                let mut running = Running::new(part, child, nonce);
                if let Err(error) = ready {
                    running.kill();
                    return Err(error);
                }
                running.remember_runtime(&self.mark);
                self.parts.push(running);
            }
        }
        Ok(())
    }

    /// Asks every part to stop, waits a little, and kills what is left.
    pub(crate) fn stop(mut self) {
        for part in &self.parts {
            part.signal(Signal::TERM);
        }
        let deadline = Instant::now() + STOP_GRACE;
        while Instant::now() < deadline && self.parts.iter_mut().any(|part| !part.has_ended()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        for part in self.parts.drain(..) {
            part.kill();
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for part in self.parts.drain(..) {
            part.kill();
        }
    }
}

/// The variables that both scripts need; `wrangler.toml` has the same S3 credentials under its buckets.
fn variables(origin: &str, key: &DevKey, overrides: &[(String, String)]) -> Vec<(String, String)> {
    let own = [
        ("PUBLIC_URL", origin.to_owned()),
        ("S3_ENDPOINT", format!("{origin}/cdn-cgi/local/r2/s3/")),
        ("S3_ACCESS_KEY_ID", "local".to_owned()),
        (
            "S3_SECRET_ACCESS_KEY",
            "local-secret-not-for-production".to_owned(),
        ),
        ("JWT_SECRET", key.secret().to_owned()),
    ];
    let own = own.into_iter().map(|(key, value)| (key.to_owned(), value));
    own.chain(overrides.iter().cloned()).collect()
}

fn free_port(wanted: u16) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", wanted)).with_context(|| {
        format!("port {wanted} of 127.0.0.1 cannot be used: choose another by --port N (0 takes a free one)")
    })?;
    Ok(listener.local_addr().context("the port")?.port())
}

fn new_log(state: &Path) -> Result<PathBuf> {
    let log = state.join("logs/wrangler.log");
    File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    Ok(log)
}

fn nonce() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(crate::stamp::hex(&bytes))
}
