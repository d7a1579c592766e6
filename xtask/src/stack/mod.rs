//! The local stack: the edge on local D1, R2, Queues and Durable Objects, one origin for everything; and native workers
//! that take their jobs from it.
//!
//! Invariant: however this process ends, nothing that it started stays behind: the reaper sees to it. And
//! whatever stayed behind all the same (both killed at once) is ended by the next start on the same state.

mod config;
mod cron;
mod database;
mod edge;
mod group;
mod native;
mod part;
mod probe;
pub mod reaper;
pub mod stop;

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use self::group::cpu_time;

use self::config::Config;
use self::cron::Cron;
use self::edge::{Runtime, Wrangler};
use self::native::NativeWorkers;
use self::part::{Health, Part, Running, Watch};
use self::reaper::Reaper;
use self::stop::Stop;
use crate::build::native::{self as native_build, Profile};
use crate::lock::Lock;
use crate::paths::Paths;
use crate::say::{self, Step};
use crate::setup::Tools;
use crate::token::DevKey;
use anyhow::{Context as _, Result, bail};

/// Time in which parts that were asked to stop do so before they are killed: the workers first, then the edge, all within
/// the 10 s of `dev`.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// The S3 credentials of the local buckets, as under the buckets in `wrangler.toml`.
const S3_ACCESS_KEY_ID: &str = "local";
const S3_SECRET_ACCESS_KEY: &str = "local-secret-not-for-production";

/// Restarts of one part within [`CRASH_WINDOW`] after which the stack gives up.
const CRASHES_MAX: usize = 8;
const CRASH_WINDOW: Duration = Duration::from_mins(1);

/// Time between two looks at something that is waited for.
const WAIT_INTERVAL: Duration = Duration::from_millis(20);

/// What to start.
#[derive(Debug)]
pub struct Options {
    /// Port of the origin; 0 takes a free one.
    pub port: u16,
    /// Folder of everything that the stack keeps.
    pub state: PathBuf,
    /// Variables for the scripts, over those that the stack sets itself.
    pub vars: Vec<(String, String)>,
    /// The native workers.
    pub workers: Workers,
}

/// Which native workers to start.
#[derive(Debug, Default)]
pub struct Workers {
    /// How many.
    pub count: u16,
    /// The program; of no use without workers.
    pub program: PathBuf,
    /// Settings, over those that the stack makes itself.
    pub vars: Vec<(String, String)>,
}

impl Workers {
    /// `count` workers of the checkout's own program, which is built when there are any.
    pub fn build(
        paths: &Paths,
        profile: Profile,
        count: u16,
        vars: Vec<(String, String)>,
    ) -> Result<Self> {
        let program = match count {
            0 => PathBuf::new(),
            _ => native_build::ensure(paths, profile)?,
        };
        Ok(Self {
            count,
            program,
            vars,
        })
    }
}

/// A running stack.
pub struct Stack {
    origin: String,
    port: u16,
    wrangler: Wrangler,
    config: Config,
    vars: Vec<(String, String)>,
    log: PathBuf,
    workers: NativeWorkers,
    parts: Vec<Running>,
    crashes: Vec<(Part, Instant)>,
    mark: String,
    cron: Cron,
    // Dropped in this order: the processes end before the state is let go.
    _reaper: Reaper,
    _lock: Lock,
}

impl Stack {
    /// Starts every part and returns when all of them answer.
    pub fn start(paths: &Paths, tools: &Tools, options: &Options, stop: &Stop) -> Result<Self> {
        Self::start_in(&paths.root, paths, tools, options, stop)
    }

    /// As [`Stack::start`], with the wrangler files of `folder` instead of the checkout's.
    pub fn start_in(
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
        let wrangler = Wrangler::new(paths, tools, &state, &Part::Edge.mark(&mark))?;
        let config = config::write(folder, &state)?;
        database::migrate(paths, &wrangler, &config, &state)?;
        let origin = format!("http://127.0.0.1:{port}");
        let key = DevKey::of(paths)?;
        let Workers {
            count,
            program,
            vars,
        } = &options.workers;
        let mut stack = Self {
            vars: variables(&origin, &key, &options.vars),
            log: new_log(&state.join("logs/wrangler.log"))?,
            workers: NativeWorkers::new(program.clone(), &state, &origin, key, vars),
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
        step("starting the edge", || stack.start_part(Part::Edge, stop))?;
        if *count > 0 {
            step("starting the native worker", || {
                stack.start_workers(*count, stop)
            })?;
        }
        Ok(stack)
    }

    /// Starts all workers and waits until each is ready. One that ends before has settings that are wrong: there is no
    /// use in starting it again.
    fn start_workers(&mut self, count: u16, stop: &Stop) -> Result<()> {
        for number in 1..=count {
            new_log(&self.workers.log(number))?;
            self.start_part(Part::NativeWorker(number), stop)?;
        }
        while !self.parts.iter().all(Running::is_ready) {
            stop.check()?;
            for running in &mut self.parts {
                if running.health() == Health::Dead {
                    bail!(
                        "the {} did not become ready\n{}",
                        running.part,
                        probe::log_tail(&running.log)
                    );
                }
            }
            std::thread::sleep(WAIT_INTERVAL);
        }
        Ok(())
    }

    /// Where everything answers: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The process of native worker `number`, from 1, and its scratch folder.
    pub fn worker(&self, number: u16) -> Option<(u32, PathBuf)> {
        let running = self
            .parts
            .iter()
            .find(|running| running.part == Part::NativeWorker(number))?;
        Some((running.id(), self.workers.scratch(number)))
    }

    /// CPU time that the runtime's processes have used so far.
    pub fn runtime_cpu(&self) -> Duration {
        group::marked_named(&self.mark, edge::RUNTIME)
            .into_iter()
            .map(cpu_time)
            .sum()
    }

    /// One look at the parts: restarts those that died, and lets the cron fire when it is due.
    pub(crate) fn look(&mut self, stop: &Stop) -> Result<()> {
        self.cron.tick();
        let mut dead = Vec::new();
        for running in &mut self.parts {
            match running.health() {
                Health::Alive => {}
                Health::Ready => say::line(format_args!("restarted: {}", running.part)),
                Health::Dead => dead.push(running.part),
            }
        }
        for part in dead {
            self.restart(part, stop)?;
        }
        Ok(())
    }

    fn restart(&mut self, part: Part, stop: &Stop) -> Result<()> {
        let Some(index) = self.parts.iter().position(|running| running.part == part) else {
            return Ok(());
        };
        let running = self.parts.remove(index);
        // A worker that was ready does die: tests kill it, and some inputs may. One that never becomes ready is broken.
        if part == Part::Edge || !running.is_ready() {
            self.count_crash(part, &running.log)?;
        }
        say::note(format_args!("  ..  the {part} died, starting it again"));
        running.kill()?;
        self.start_part(part, stop)?;
        if part == Part::Edge {
            say::line(format_args!("restarted: {part}"));
        }
        Ok(())
    }

    fn count_crash(&mut self, part: Part, log: &Path) -> Result<()> {
        let now = Instant::now();
        self.crashes
            .retain(|(_, at)| now.duration_since(*at) < CRASH_WINDOW);
        self.crashes.push((part, now));
        let count = self.crashes.iter().filter(|(one, _)| *one == part).count();
        if count > CRASHES_MAX {
            bail!(
                "the {part} died {CRASHES_MAX} times within a minute\n{}",
                probe::log_tail(log)
            );
        }
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
                let mark = part.mark(&self.mark);
                let watch = Watch::Edge(Runtime::of(&self.origin, &nonce, &mark));
                let running = Running::new(part, child, watch, self.log.clone(), mark);
                if let Err(error) = ready {
                    running.kill()?;
                    return Err(error);
                }
                self.parts.push(running);
            }
            Part::NativeWorker(number) => {
                let mark = part.mark(&self.mark);
                let (child, address) = self.workers.start(number, &mark)?;
                let (watch, log) = (Watch::NativeWorker(address), self.workers.log(number));
                self.parts.push(Running::new(part, child, watch, log, mark));
            }
        }
        Ok(())
    }

    /// Asks every part to stop, waits a little, and leaves what is left to be killed. The workers come first: they give
    /// their jobs back to the edge.
    pub fn stop(mut self) {
        let (edge, workers): (Vec<_>, Vec<_>) = std::mem::take(&mut self.parts)
            .into_iter()
            .partition(|running| running.part == Part::Edge);
        for mut parts in [workers, edge] {
            for part in &parts {
                part.terminate();
            }
            let deadline = Instant::now() + STOP_GRACE;
            while Instant::now() < deadline && parts.iter_mut().any(|part| !part.has_ended()) {
                std::thread::sleep(WAIT_INTERVAL);
            }
            self.parts.extend(parts);
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for part in self.parts.drain(..) {
            // What does not end is the reaper's.
            let _ = part.kill();
        }
    }
}

/// Shows `work` as a step.
fn step(title: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let step = Step::start(title);
    let result = work();
    match &result {
        Ok(()) => step.ok(),
        Err(_) => step.failed(),
    }
    result
}

/// The variables that both scripts need.
fn variables(origin: &str, key: &DevKey, overrides: &[(String, String)]) -> Vec<(String, String)> {
    let own = [
        ("PUBLIC_URL", origin.to_owned()),
        ("S3_ENDPOINT", s3_endpoint(origin)),
        ("S3_ACCESS_KEY_ID", S3_ACCESS_KEY_ID.to_owned()),
        ("S3_SECRET_ACCESS_KEY", S3_SECRET_ACCESS_KEY.to_owned()),
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

/// Where the local buckets speak S3.
fn s3_endpoint(origin: &str) -> String {
    format!("{origin}/cdn-cgi/local/r2/s3/")
}

fn new_log(log: &Path) -> Result<PathBuf> {
    File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    Ok(log.to_path_buf())
}

fn nonce() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    Ok(crate::stamp::hex(&bytes))
}
