//! The program: its command line, exit codes and signals.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use native_worker::setting::SETTINGS;
use tempfile::TempDir;

use crate::http::ask;
use crate::sample::{REQUIRED_SETTINGS, TOKEN};

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_native-worker"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("NATIVE_WORKER_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

/// The program with the required settings.
fn complete() -> Command {
    let mut command = program();
    command.envs(REQUIRED_SETTINGS);
    command
}

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn help_and_version() {
    for argument in ["--help", "-h"] {
        let (code, stdout, stderr) = output(&[argument]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        for setting in SETTINGS {
            assert!(stdout.contains(setting.name), "{stdout}");
        }
    }
    for argument in ["--version", "-V"] {
        let version = format!("native-worker {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(output(&[argument]), (Some(0), version, String::new()));
    }
}

#[test]
fn an_invalid_command_line_ends_with_code_2() {
    let (code, stdout, stderr) = output(&["--port"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert_eq!(
        stderr,
        "error: unknown argument --port; see native-worker --help\n"
    );
    assert_eq!(output(&["--help", "--version"]).0, Some(2));
    let called = program().env("NATIVE_WORKER_ADR", "x").output().unwrap();
    assert_eq!(called.status.code(), Some(2));
    assert!(
        String::from_utf8(called.stderr)
            .unwrap()
            .contains("NATIVE_WORKER_ADR")
    );
}

#[test]
fn without_required_settings_it_does_not_start() {
    for argument in [None, Some("--check")] {
        let called = program().args(argument).output().unwrap();
        assert_eq!(called.status.code(), Some(2));
        let stderr = String::from_utf8(called.stderr).unwrap();
        let expected = "error: invalid settings:\n  NATIVE_WORKER_QUEUE_URL is required\n";
        assert!(stderr.starts_with(expected), "{stderr}");
    }
}

#[test]
fn an_address_in_use_ends_with_code_1() {
    let used = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = used.local_addr().unwrap().to_string();
    let called = complete()
        .env("NATIVE_WORKER_ADDR", &addr)
        .output()
        .unwrap();
    assert_eq!(called.status.code(), Some(1));
    assert!(String::from_utf8(called.stderr).unwrap().contains(&addr));
}

/// A running program. It is killed on drop, so that a failed test leaves nothing behind.
struct Running {
    child: Child,
    addr: SocketAddr,
    stderr: BufReader<std::process::ChildStderr>,
    _scratch: TempDir,
}

impl Running {
    fn start() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut child = complete()
            .env("NATIVE_WORKER_ADDR", "127.0.0.1:0")
            .env("NATIVE_WORKER_SCRATCH", scratch.path())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        stderr.read_line(&mut line).unwrap();
        let addr = line
            .trim_end()
            .rsplit_once("http://")
            .unwrap()
            .1
            .parse()
            .unwrap();
        Self {
            child,
            addr,
            stderr,
            _scratch: scratch,
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn signals_shut_it_down_in_order() {
    for name in ["-TERM", "-INT"] {
        let mut running = Running::start();
        assert_eq!(ask(running.addr, "GET", "/healthz").await.0, 200);
        assert_eq!(ask(running.addr, "GET", "/readyz").await.0, 503);
        running.signal(name);
        assert_eq!(running.child.wait().unwrap().code(), Some(0), "{name}");
        let mut rest = String::new();
        running.stderr.read_to_string(&mut rest).unwrap();
        assert!(rest.ends_with("native-worker stopped\n"), "{rest}");
        assert!(
            !rest.contains(TOKEN) && !rest.contains("s3-secret"),
            "{rest}"
        );
    }
}

#[test]
fn a_log_in_json_is_valid() {
    let scratch = tempfile::tempdir().unwrap();
    let mut child = complete()
        .env("NATIVE_WORKER_ADDR", "127.0.0.1:0")
        .env("NATIVE_WORKER_SCRATCH", scratch.path())
        .env("NATIVE_WORKER_LOG_FORMAT", "json")
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stderr = child.stderr.take().unwrap();
    BufReader::new(stderr).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(entry["level"], "INFO");
    assert!(entry["message"].as_str().unwrap().contains("listening on"));
}
