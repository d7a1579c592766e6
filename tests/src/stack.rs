//! One stack, as `cargo xtask dev` runs it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::{Bucket, Client, Token, process, root, timer};

/// Time for a start, including a build, while other stacks use the same cores.
const READY_DEADLINE: Duration = Duration::from_mins(4);
const READY_WORD: &str = "ready: ";

/// Stacks that run at a time; more would only compete for the cores.
const STACKS_MAX: usize = 3;

/// Options of a stack.
#[derive(Debug, Clone, Default)]
pub struct Options {
    vars: Vec<(String, String)>,
    workers: usize,
    worker_vars: Vec<(String, String)>,
}

impl Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable of the scripts.
    #[must_use]
    pub fn var(mut self, key: &str, value: &str) -> Self {
        self.vars.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sets the number of native workers (`dev-worker-1`, …); the default is none.
    #[must_use]
    pub fn workers(mut self, count: usize) -> Self {
        self.workers = count;
        self
    }

    /// Sets a variable of the native workers.
    #[must_use]
    pub fn worker_var(mut self, key: &str, value: &str) -> Self {
        self.worker_vars.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// A running stack with its own state. Dropping it kills every process and removes the state.
#[derive(Debug)]
pub struct Stack {
    options: Options,
    state: TempDir,
    origin: String,
    running: Option<Running>,
    // Dropped last, after the processes have ended.
    _permit: Permit,
}

impl Stack {
    /// Starts a stack on a free port with an empty state, once a permit is free; returns when all parts answer.
    #[must_use]
    pub fn start(options: Options) -> Self {
        timer::begin();
        let started = Instant::now();
        let permit = Permit::wait();
        timer::waited_since(started);
        let state = tempfile::Builder::new()
            .prefix("ferrotype-")
            .tempdir()
            .expect("a folder for the state");
        let mut stack = Self {
            options,
            state,
            origin: String::new(),
            running: None,
            _permit: permit,
        };
        stack.launch("0");
        stack
    }

    /// Starts the stack again with the same state and port.
    pub fn restart(&mut self) {
        assert!(self.running.is_none(), "stop or kill the stack first");
        let port = self
            .origin
            .rsplit(':')
            .next()
            .expect("the origin has a port")
            .to_owned();
        self.launch(&port);
    }

    /// Kills every process of the stack at once, like a power cut; returns when none is left.
    pub fn kill_hard(&mut self) {
        let Some(mut running) = self.running.take() else {
            return;
        };
        let tree = process::tree(running.child.id());
        let mark = format!("FERROTYPE_STACK={}#", self.state.path().display());
        process::kill_all(|| {
            tree.union(&process::with_variable(&mark))
                .copied()
                .collect()
        });
        let _ = running.child.wait();
    }

    /// Sends SIGINT to xtask alone and waits for its end.
    pub fn interrupt(&mut self) -> (ExitStatus, Duration) {
        let mut running = self.running.take().expect("the stack runs");
        let started = Instant::now();
        process::signal(running.child.id(), Signal::INT);
        loop {
            if let Some(status) = running.child.try_wait().expect("the end of xtask") {
                return (status, started.elapsed());
            }
            assert!(
                started.elapsed() < Duration::from_mins(1),
                "xtask does not stop\n{}",
                running.output.text()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Base URL of the edge.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The folder of the state.
    #[must_use]
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// A client with a valid token of `user` in the tenant `acme`.
    #[must_use]
    pub fn client(&self, user: &str) -> Client {
        self.caller("acme", user, "user")
    }

    /// A client with a valid token.
    #[must_use]
    pub fn caller(&self, tenant: &str, user: &str, role: &str) -> Client {
        Client::new(&self.origin, Some(Token::of(tenant, user, role).sign_dev()))
    }

    /// The bucket of originals and private outputs.
    #[must_use]
    pub fn raw_bucket(&self) -> Bucket {
        Bucket::new(&self.origin, "ferrotype-raw")
    }

    /// The bucket of public outputs.
    #[must_use]
    pub fn public_bucket(&self) -> Bucket {
        Bucket::new(&self.origin, "ferrotype-public")
    }

    /// Running processes of the stack by their name: `node`, `workerd`, `native-worker`, ….
    #[must_use]
    pub fn processes(&self, name: &str) -> BTreeSet<u32> {
        let Some(running) = &self.running else {
            return BTreeSet::new();
        };
        let tree = process::tree(running.child.id());
        tree.into_iter()
            .filter(|id| process::name(*id) == name && process::is_running(*id))
            .collect()
    }

    /// Kills one process, as the kernel does when memory runs out.
    pub fn kill_process(&self, id: u32) {
        process::signal(id, Signal::KILL);
    }

    /// Sends SIGTERM to one process.
    pub fn terminate_process(&self, id: u32) {
        process::signal(id, Signal::TERM);
    }

    /// Suspends one process until [`Stack::resume_process`].
    pub fn suspend_process(&self, id: u32) {
        process::signal(id, Signal::STOP);
    }

    /// Resumes a suspended process.
    pub fn resume_process(&self, id: u32) {
        process::signal(id, Signal::CONT);
    }

    /// Whether the process has a running descendant of this name.
    #[must_use]
    pub fn has_child(&self, id: u32, name: &str) -> bool {
        process::tree(id)
            .into_iter()
            .any(|child| process::name(child) == name && process::is_running(child))
    }

    /// Kills xtask alone.
    pub fn kill_leader(&mut self) {
        let mut running = self.running.take().expect("the stack runs");
        process::signal(running.child.id(), Signal::KILL);
        let _ = running.child.wait();
    }

    /// Running processes of this stack, whatever their parent is.
    #[must_use]
    pub fn remains(&self) -> BTreeSet<u32> {
        let mark = format!("FERROTYPE_STACK={}#", self.state.path().display());
        process::with_variable(&mark)
            .into_iter()
            .filter(|id| process::is_running(*id))
            .collect()
    }

    /// Waits for the `count`-th output line of this run that starts with `start`.
    pub fn wait_line(&mut self, start: &str, count: usize, deadline: Duration) -> String {
        let running = self.running.as_mut().expect("the stack runs");
        running.wait_line(start, count, deadline)
    }

    /// What xtask has printed in this run.
    #[must_use]
    pub fn output(&self) -> String {
        self.running
            .as_ref()
            .map(|running| running.output.text())
            .unwrap_or_default()
    }

    /// What the edge has logged since the last start.
    #[must_use]
    pub fn edge_log(&self) -> String {
        std::fs::read_to_string(self.state.path().join("logs/wrangler.log")).unwrap_or_default()
    }

    /// What native worker `number`, from 1, has logged since the last start of the stack.
    #[must_use]
    pub fn worker_log(&self, number: usize) -> String {
        let name = match number {
            1 => "native-worker.log".to_owned(),
            _ => format!("native-worker-{number}.log"),
        };
        std::fs::read_to_string(self.state.path().join("logs").join(name)).unwrap_or_default()
    }

    /// Base URL of the operations endpoints of native worker `number`, from 1; it changes with each restart of the worker.
    #[must_use]
    pub fn worker_origin(&self, number: usize) -> String {
        let file = self.worker_folder(number).join("addr");
        let addr = std::fs::read_to_string(&file);
        let addr = addr.unwrap_or_else(|error| panic!("cannot read {}: {error}", file.display()));
        format!("http://{addr}")
    }

    /// Status and body of an operations endpoint of native worker `number`, from 1. These endpoints are not part of the
    /// API and not in `docs/openapi.json`.
    pub async fn ask_worker(&self, number: usize, path: &str) -> (u16, String) {
        let url = format!("{}{path}", self.worker_origin(number));
        let answer = crate::client::http().get(&url).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("GET {url}: {error}"));
        let status = answer.status().as_u16();
        (status, answer.text().await.unwrap_or_default())
    }

    /// The scratch folder of native worker `number`, from 1.
    #[must_use]
    pub fn worker_scratch(&self, number: usize) -> PathBuf {
        self.worker_folder(number).join("scratch")
    }

    fn worker_folder(&self, number: usize) -> PathBuf {
        self.state
            .path()
            .join(format!("workers/dev-worker-{number}"))
    }

    /// The last lines of all logs, for a failed test.
    fn logs(&self) -> String {
        let tail = |name: &str, text: &str| {
            let lines: Vec<&str> = text.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(60)..);
            format!(
                "--- the end of {name}\n{}",
                tail.unwrap_or_default().join("\n")
            )
        };
        let mut logs = vec![tail("the edge's log", &self.edge_log())];
        for number in 1..=self.options.workers {
            let log = self.worker_log(number);
            logs.push(tail(&format!("the log of native worker {number}"), &log));
        }
        logs.join("\n")
    }

    fn launch(&mut self, port: &str) {
        let mut command = Command::new(xtask());
        command
            .args(["dev", "--port", port, "--state"])
            .arg(self.state.path());
        for (key, value) in &self.options.vars {
            command.arg("--var").arg(format!("{key}={value}"));
        }
        command.args(["--workers", &self.options.workers.to_string()]);
        if std::env::var_os("FERROTYPE_RELEASE_EDGE").is_some() {
            command.arg("--release-edge");
        }
        for (key, value) in &self.options.worker_vars {
            command.arg("--worker-var").arg(format!("{key}={value}"));
        }
        // Stored before it is ready: a child that never gets ready must end with this stack as well.
        let running = self.running.insert(Running::spawn(&mut command));
        let line = running.wait_line(READY_WORD, 1, READY_DEADLINE);
        line.trim_start_matches(READY_WORD)
            .clone_into(&mut self.origin);
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            report(&self.output(), &self.logs());
        }
        self.kill_hard();
    }
}

#[expect(
    clippy::print_stderr,
    reason = "the test runner shows the output of a failed test"
)]
fn report(output: &str, logs: &str) {
    eprintln!("--- xtask printed\n{output}\n{logs}\n---");
}

/// A stack with default settings that several tests use at a time, each with its own tenants.
#[derive(Debug)]
pub struct Shared(Arc<Stack>);

/// The shared stack: the running one, or a new one. It ends with its last user.
#[must_use]
pub fn shared() -> Shared {
    static RUNNING: Mutex<Weak<Stack>> = Mutex::new(Weak::new());
    join(&RUNNING, Options::new())
}

/// Another shared stack, with one native worker.
#[must_use]
pub fn shared_with_worker() -> Shared {
    static RUNNING: Mutex<Weak<Stack>> = Mutex::new(Weak::new());
    join(&RUNNING, Options::new().workers(1))
}

fn join(running: &Mutex<Weak<Stack>>, options: Options) -> Shared {
    timer::begin();
    // Whoever comes second waits here for the start of the stack.
    let started = Instant::now();
    let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
    timer::waited_since(started);
    let stack = running
        .upgrade()
        .unwrap_or_else(|| Arc::new(Stack::start(options)));
    *running = Arc::downgrade(&stack);
    Shared(stack)
}

impl std::ops::Deref for Shared {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.0
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // For the last user, `Stack` itself reports.
        if std::thread::panicking() && Arc::strong_count(&self.0) > 1 {
            report(&self.output(), &self.logs());
        }
    }
}

/// The right to run a stack.
#[derive(Debug)]
struct Permit;

static FREE: Mutex<usize> = Mutex::new(STACKS_MAX);
static FREED: Condvar = Condvar::new();

impl Permit {
    fn wait() -> Self {
        let free = FREE.lock().expect("the permits");
        let mut free = FREED
            .wait_while(free, |free| *free == 0)
            .expect("the permits");
        *free -= 1;
        Self
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Ok(mut free) = FREE.lock() {
            *free += 1;
            FREED.notify_one();
        }
    }
}

/// xtask as a child.
#[derive(Debug)]
struct Running {
    child: Child,
    output: Arc<Output>,
}

impl Running {
    fn spawn(command: &mut Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let output = Arc::new(Output::default());
        output.follow(child.stdout.take().expect("stdout is piped"));
        output.follow(child.stderr.take().expect("stderr is piped"));
        Self { child, output }
    }

    fn wait_line(&mut self, start: &str, count: usize, deadline: Duration) -> String {
        let started = Instant::now();
        loop {
            if let Some(line) = self.output.line(start, count, Duration::from_millis(100)) {
                return line;
            }
            let ended = self.child.try_wait().ok().flatten();
            let text = || self.output.text();
            assert!(
                ended.is_none(),
                "xtask ended ({ended:?}) before it printed `{start}`\n{}",
                text()
            );
            assert!(
                started.elapsed() < deadline,
                "xtask did not print `{start}` within {deadline:?}\n{}",
                text()
            );
        }
    }
}

/// Lines printed by a child.
#[derive(Debug, Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Output {
    fn follow(self: &Arc<Self>, pipe: impl Read + Send + 'static) {
        let output = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                output.lines.lock().expect("the lines").push(line);
                output.changed.notify_all();
            }
        });
    }

    fn line(&self, start: &str, count: usize, wait: Duration) -> Option<String> {
        let find = |lines: &[String]| {
            lines
                .iter()
                .filter(|line| line.starts_with(start))
                .nth(count - 1)
                .cloned()
        };
        let lines = self.lines.lock().expect("the lines");
        if let Some(line) = find(&lines) {
            return Some(line);
        }
        let (lines, _) = self.changed.wait_timeout(lines, wait).expect("the lines");
        find(&lines)
    }

    fn text(&self) -> String {
        self.lines
            .lock()
            .map(|lines| lines.join("\n"))
            .unwrap_or_default()
    }
}

/// The xtask binary: the one that runs these tests, or a new build.
fn xtask() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(path) = std::env::var_os("FERROTYPE_XTASK") {
            return PathBuf::from(path);
        }
        let test = std::env::current_exe().expect("the program of the tests");
        let folder = test
            .parent()
            .and_then(Path::parent)
            .expect("tests lie in target/debug/deps");
        let path = folder.join("xtask");
        let build = Command::new("cargo")
            .current_dir(root())
            .args(["build", "--quiet", "--package", "xtask"])
            .status();
        assert!(
            build.is_ok_and(|status| status.success()) && path.is_file(),
            "cannot build xtask"
        );
        path
    })
}
