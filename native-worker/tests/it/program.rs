//! The program: its command line, its exit codes and its signals.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};

use crate::http::ask;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_native-worker"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("NATIVE_WORKER_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stderr(Stdio::piped());
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
        assert!(
            stdout.contains("NATIVE_WORKER_ADDR") && stdout.contains("no jobs yet"),
            "{stdout}"
        );
    }
    for argument in ["--version", "-V"] {
        let version = format!("native-worker {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(output(&[argument]), (Some(0), version, String::new()));
    }
}

#[test]
fn wrong_calls_end_with_code_2() {
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
fn a_taken_address_ends_with_code_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let called = program().env("NATIVE_WORKER_ADDR", &addr).output().unwrap();
    assert_eq!(called.status.code(), Some(1));
    assert!(String::from_utf8(called.stderr).unwrap().contains(&addr));
}

/// A started program that says where it listens; killed when dropped, so that a failed test leaves nothing behind.
struct Running {
    child: Child,
    addr: SocketAddr,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Running {
    fn start() -> Self {
        let mut child = program()
            .env("NATIVE_WORKER_ADDR", "127.0.0.1:0")
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
async fn signals_end_it_in_order() {
    for name in ["-TERM", "-INT"] {
        let mut running = Running::start();
        assert_eq!(ask(running.addr, "GET", "/readyz").await.0, 200);
        running.signal(name);
        assert_eq!(running.child.wait().unwrap().code(), Some(0), "{name}");
        let mut rest = String::new();
        running.stderr.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "native-worker stopped\n");
    }
}
