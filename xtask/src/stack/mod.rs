//! The local stack: the edge on local D1, R2, Queues and Durable Objects with one origin for everything, and native workers
//! that take jobs from it.
//!
//! Invariant: however this process ends, nothing that it started remains: the reaper kills it. If the reaper was killed as
//! well, the next start on the same state does.

mod address;
mod config;
mod cron;
mod database;
mod edge;
mod group;
mod health;
mod log;
mod native;
mod part;
mod probe;
pub mod reaper;
pub mod stop;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use fs_err as fs;

pub use self::group::{cpu_time, cpu_time_with_children, process_age};

use self::config::Config;
use self::cron::Cron;
use self::edge::{Runtime, Wrangler};
use self::health::Health;
use self::native::NativeWorkers;
use self::part::{Part, Running, Watch};
use self::reaper::Reaper;
use self::stop::Stop;
use crate::build::Profile;
use crate::lock::Lock;
use crate::paths::Paths;
use crate::say;
use crate::setup::Tools;
use crate::token::{DevKey, random_hex};

/// Time in which parts that were asked to stop must do so before they are killed: the workers first, then the edge, all within
/// the 10 s of `dev`.
const STOP_GRACE: Duration = Duration::from_secs(4);

/// Restarts of one part within [`CRASH_WINDOW`] after which the stack gives up.
const CRASHES_MAX: usize = 8;
const CRASH_WINDOW: Duration = Duration::from_mins(1);

/// Time between two looks at something that is waited for.
const WAIT_INTERVAL: Duration = Duration::from_millis(20);

/// What to start.
#[derive(Debug)]
pub struct Options {
    /// Port of the origin; 0 chooses a free one.
    pub port: u16,
    /// Folder of everything that the stack keeps.
    pub state: PathBuf,
    /// Variables for the scripts that override those of the stack.
    pub vars: Vec<(String, String)>,
    /// Which build of the edge runs.
    pub profile: Profile,
    /// Settings for the native workers that override those of the stack.
    pub worker_vars: Vec<(String, String)>,
}

/// A running stack.
pub struct Stack {
    origin: String,
    port: u16,
    wrangler: Wrangler,
    config: Config,
    vars: Vec<(String, String)>,
    state: PathBuf,
    log: PathBuf,
    workers: NativeWorkers,
    parts: Vec<Running>,
    crashes: Vec<(Part, Instant)>,
    mark: String,
    cron: Cron,
    // Dropped in this order: the processes end before the state is released.
    _reaper: Reaper,
    _lock: Lock,
}

impl Stack {
    /// Starts the edge with the wrangler files of `folder` and returns when it answers.
    ///
    /// # Errors
    ///
    /// When the state or the port is in use, the edge does not start, or `stop` is set.
    pub fn start(
        folder: &Path,
        paths: &Paths,
        tools: &Tools,
        options: &Options,
        stop: &Stop,
    ) -> Result<Self> {
        fs::create_dir_all(options.state.join("logs"))?;
        let state = fs::canonicalize(&options.state)?;
        let Some(lock) = Lock::try_now(&state.join("lock"))? else {
            bail!(
                "another stack runs on the state {}: stop it or choose another with --state",
                state.display()
            );
        };
        group::kill_marked(&format!("{}#", state.display()))?;
        let port = address::free_port(options.port)?;
        let mark = format!("{}#{}", state.display(), random_hex::<16>()?);
        let reaper = Reaper::start(&mark)?;
        let wrangler = Wrangler::new(paths, tools, &state, &Part::Edge.mark(&mark))?;
        let config = config::write(folder, &options.profile.edge(paths), &state)?;
        database::migrate(paths, &wrangler, &config, &state)?;
        let origin = format!("http://127.0.0.1:{port}");
        let key = DevKey::of(paths)?;
        let mut stack = Self {
            vars: variables(&origin, &key, &options.vars),
            log: log::create(state.join("logs/wrangler.log"))?,
            cron: Cron::new(&origin),
            workers: NativeWorkers {
                program: PathBuf::new(),
                state: state.clone(),
                origin: origin.clone(),
                key,
                vars: options.worker_vars.clone(),
            },
            parts: Vec::new(),
            crashes: Vec::new(),
            _reaper: reaper,
            _lock: lock,
            origin,
            port,
            wrangler,
            config,
            state,
            mark,
        };
        say::step("starting the edge", || stack.start_part(Part::Edge, stop))?;
        Ok(stack)
    }

    /// Starts `count` native workers of this program and waits until each is ready. One that ends before has wrong settings: there
    /// is no use in starting it again.
    ///
    /// # Errors
    ///
    /// When a worker does not become ready, or `stop` is set.
    pub fn add_workers(&mut self, program: PathBuf, count: u16, stop: &Stop) -> Result<()> {
        self.workers.program = program;
        say::step("starting the native worker", || {
            for number in 1..=count {
                log::create(self.workers.log(number))?;
                self.start_part(Part::NativeWorker(number), stop)?;
            }
            while !self.parts.iter().all(Running::is_ready) {
                stop.check()?;
                for running in &mut self.parts {
                    if running.health() == Health::Dead {
                        let log = log::tail(&running.log);
                        bail!("the {} did not become ready\n{log}", running.part);
                    }
                }
                std::thread::sleep(WAIT_INTERVAL);
            }
            Ok(())
        })
    }

    /// A variable for builds that run beside the stack: they end with it.
    pub(crate) fn mark_of_builds(&self) -> (&'static str, String) {
        (group::MARK, format!("{}/build/", self.mark))
    }

    /// Where everything answers: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The folder of everything that the stack keeps.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// The process of native worker `number`, from 1, and its scratch folder.
    pub fn worker(&self, number: u16) -> Option<(u32, PathBuf)> {
        let mut parts = self.parts.iter();
        let running = parts.find(|running| running.part == Part::NativeWorker(number))?;
        Some((running.child.id(), self.workers.scratch(number)))
    }

    /// CPU time that the runtime's processes have used so far.
    pub fn runtime_cpu(&self) -> Duration {
        let processes = group::marked_named(&self.mark, edge::RUNTIME);
        processes.into_iter().map(cpu_time).sum()
    }

    /// Checks the parts once: restarts those that died, and fires the cron if it is due.
    pub(crate) fn look(&mut self, stop: &Stop) -> Result<()> {
        self.cron.tick();
        let mut dead = Vec::new();
        for running in &mut self.parts {
            match running.health() {
                Health::Alive => {}
                Health::Ready => restarted(running.part),
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
        let mut running = self.parts.remove(index);
        // A worker that was ready may die: tests kill it, and some inputs may. One that never becomes ready is broken.
        if part == Part::Edge || !running.is_ready() {
            self.count_crash(part, &running.log)?;
        }
        let end = running.ended();
        say::note(format_args!("  ..  the {part} {end}, starting it again"));
        running.kill()?;
        self.start_part(part, stop)?;
        if part == Part::Edge {
            restarted(part);
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
            let log = log::tail(log);
            bail!("the {part} died {CRASHES_MAX} times within a minute\n{log}");
        }
        Ok(())
    }

    fn start_part(&mut self, part: Part, stop: &Stop) -> Result<()> {
        let mark = part.mark(&self.mark);
        let (child, watch, log) = match part {
            Part::Edge => {
                let nonce = random_hex::<16>()?;
                let own = [("NONCE".to_owned(), nonce.clone())];
                config::write_vars(&self.config.folder, &[self.vars.as_slice(), &own].concat())?;
                let mut child = self.wrangler.dev(&self.config, self.port, &self.log)?;
                let ready = probe::wait_ready(&self.origin, &nonce, &mut child, &self.log, stop);
                if let Err(error) = ready {
                    group::kill_marked(&mark)?;
                    let _ = child.wait();
                    return Err(error);
                }
                let runtime = Runtime::of(&self.origin, &nonce, &mark);
                (child, Watch::Edge(runtime), self.log.clone())
            }
            Part::NativeWorker(number) => {
                let (child, endpoint) = self.workers.start(number, &mark)?;
                let log = self.workers.log(number);
                (child, Watch::NativeWorker(endpoint), log)
            }
        };
        self.parts.push(Running {
            part,
            watch,
            log,
            mark,
            child,
        });
        Ok(())
    }

    /// Asks every part to stop, waits a little, and kills the rest. The workers stop first: they return their jobs to the edge.
    pub fn stop(mut self) {
        say::note("  ..  stopping");
        let started = Instant::now();
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
        drop(self);
        let time = say::seconds(started.elapsed());
        say::note(format_args!("  ok  stopped ({time})"));
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        for part in self.parts.drain(..) {
            // The reaper kills what does not end.
            let _ = part.kill();
        }
    }
}

fn restarted(part: Part) {
    say::note(format_args!("  ok  restarted the {part}"));
}

/// The variables that both scripts need.
fn variables(origin: &str, key: &DevKey, overrides: &[(String, String)]) -> Vec<(String, String)> {
    let own = [
        ("PUBLIC_URL", origin),
        ("S3_ENDPOINT", &address::s3_endpoint(origin)),
        ("S3_ACCESS_KEY_ID", address::S3_ACCESS_KEY_ID),
        ("S3_SECRET_ACCESS_KEY", address::S3_SECRET_ACCESS_KEY),
        ("JWT_SECRET", key.secret()),
    ];
    let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
    own.into_iter().chain(overrides.iter().cloned()).collect()
}
