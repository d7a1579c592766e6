//! The sandbox of the children, tested from the inside.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use native_worker::child::sandbox::{EXIT_CODE, Level, Limits, Policy, Program, level};
use serde_json::json;
use shared::image::ImagePlan;
use tempfile::TempDir;

/// Path of Python, if it is installed.
const PYTHON: &str = "/usr/bin/python3";

fn command(policy: &Policy, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_native-worker"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    policy.apply(&mut command).unwrap();
    command
}

fn run(policy: &Policy, script: &str) -> Output {
    command(policy, &["-c", script]).output().unwrap()
}

fn bash(scratch: &TempDir) -> Policy {
    Policy {
        write: vec![scratch.path().to_owned()],
        ..Policy::new("bash")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn it_runs_the_program_with_its_arguments_and_returns_its_exit_code() {
    let scratch = TempDir::new().unwrap();
    let output = command(&bash(&scratch), &["-c", "echo $1; exit 7", "x", "a b"])
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), text(&output.stdout).as_str()),
        (Some(7), "a b\n"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let scratch = TempDir::new().unwrap();
    for program in ["no-such-program", "/no/such/program"] {
        let policy = Policy {
            program: program.into(),
            ..bash(&scratch)
        };
        let output = run(&policy, "");
        assert_eq!(output.status.code(), Some(i32::from(EXIT_CODE)));
        assert!(text(&output.stderr).contains(program));
    }
}

#[test]
fn it_inherits_no_secrets() {
    let scratch = TempDir::new().unwrap();
    let output = command(&bash(&scratch), &["-c", "env"]).output().unwrap();
    let names: Vec<String> = text(&output.stdout)
        .lines()
        .filter_map(|line| line.split_once('=').map(|(name, _)| name.to_owned()))
        .filter(|name| !["PWD", "SHLVL", "_"].contains(&name.as_str()))
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in ["PATH", "LANG", "HOME", "TMPDIR"] {
        assert!(names.iter().any(|found| found == name), "{names:?}");
    }
}

#[test]
fn it_has_no_network() {
    let scratch = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let connect = format!("exec 3<>/dev/tcp/127.0.0.1/{}", addr.port());
    // The same command works outside of the sandbox.
    let outside = Command::new("bash")
        .args(["-c", &connect])
        .status()
        .unwrap();
    assert!(outside.success());
    let output = run(&bash(&scratch), &connect);
    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("Operation not permitted"),
        "{}",
        text(&output.stderr)
    );
    listener.set_nonblocking(true).unwrap();
    assert!(
        listener.accept().is_ok(),
        "the connection from outside the sandbox"
    );
    assert!(listener.accept().is_err(), "no connection from the sandbox");
}

#[test]
fn it_reads_only_the_files_of_its_policy() {
    assert_eq!(level(), Level::Full, "this kernel cannot run this test");
    let scratch = TempDir::new().unwrap();
    let other = TempDir::new().unwrap();
    let allowed = other.path().join("allowed");
    let secret = other.path().join("secret");
    std::fs::write(&allowed, "allowed").unwrap();
    std::fs::write(&secret, "secret").unwrap();
    let policy = Policy {
        read: vec![allowed.clone()],
        ..bash(&scratch)
    };
    let cat = |path: &Path| run(&policy, &format!("cat {}", path.display()));
    assert_eq!(text(&cat(&allowed).stdout), "allowed");
    for path in [
        secret.as_path(),
        Path::new("/etc/passwd"),
        Path::new("/proc/1/environ"),
        Path::new("/proc/self/environ"),
    ] {
        let output = cat(path);
        assert_eq!(
            (output.status.code(), text(&output.stdout).as_str()),
            (Some(1), "")
        );
        assert!(text(&output.stderr).contains("Permission denied"));
    }
    let listed = run(&policy, "ls / /tmp /proc");
    assert_eq!(text(&listed.stdout), "");
}

#[test]
fn a_program_outside_of_usr_can_read_its_libraries_only() {
    let scratch = TempDir::new().unwrap();
    let tools = TempDir::new().unwrap();
    for folder in ["bin", "lib", "bin/lib"] {
        let folder = tools.path().join(folder);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("file"), "content").unwrap();
    }
    let program = tools.path().join("bin/bash");
    std::fs::copy("/bin/bash", &program).unwrap();
    let policy = Policy {
        program: program.as_path().into(),
        ..bash(&scratch)
    };
    for (path, content) in [("lib", "content"), ("bin/lib", "content"), ("bin", "")] {
        let path = tools.path().join(path).join("file");
        let output = run(&policy, &format!("cat {}", path.display()));
        assert_eq!(text(&output.stdout), content, "{path:?}: {output:?}");
    }
}

/// By the numbers of x32, denied system calls could be made after all.
#[test]
fn it_cannot_use_the_system_calls_of_x32() {
    let scratch = TempDir::new().unwrap();
    if !Path::new(PYTHON).exists() {
        return;
    }
    let policy = Policy {
        program: PYTHON.into(),
        ..bash(&scratch)
    };
    // getpid: EPERM (1) in the sandbox; ENOSYS or a result elsewhere.
    let script = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); \
                  print(libc.syscall(0x40000000 + 39), ctypes.get_errno())";
    assert_eq!(text(&run(&policy, script).stdout), "-1 1\n");
}

#[test]
fn it_writes_only_in_its_folder() {
    let scratch = TempDir::new().unwrap();
    let other = TempDir::new().unwrap();
    let policy = Policy {
        read: vec![other.path().to_owned()],
        ..bash(&scratch)
    };
    let write = |folder: &Path| {
        run(&policy, &format!("echo x > {}/file", folder.display()))
            .status
            .success()
    };
    assert!(write(scratch.path()));
    assert!(!write(other.path()));
    assert!(!write(Path::new("/tmp")));
    // What it wrote cannot be executed.
    let script = "printf '#!/bin/sh\\n' > $HOME/run; chmod +x $HOME/run; $HOME/run";
    assert!(text(&run(&policy, script).stderr).contains("Permission denied"));
}

#[test]
fn it_has_no_rights_left() {
    let scratch = TempDir::new().unwrap();
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    assert!(own.contains("NoNewPrivs:\t0"));
    let policy = Policy {
        read: vec!["/proc".into()],
        ..bash(&scratch)
    };
    let status = text(&run(&policy, "cat /proc/self/status").stdout);
    for line in [
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
    ] {
        assert!(status.contains(line), "{line} in {status}");
    }
    let victim = Command::new("sleep").arg("60").spawn();
    let mut victim = victim.unwrap();
    let killed = run(&policy, &format!("kill -9 {}", victim.id()));
    assert!(!killed.status.success());
    assert!(victim.try_wait().unwrap().is_none());
    victim.kill().unwrap();
    victim.wait().unwrap();
    for script in ["unshare -U true", "mount -t tmpfs x $HOME"] {
        assert!(!run(&policy, script).status.success(), "{script}");
    }
}

#[test]
fn the_kernel_enforces_its_limits() {
    use std::os::unix::process::ExitStatusExt as _;
    let scratch = TempDir::new().unwrap();
    let limits = Limits {
        fsize_bytes: 1 << 20,
        cpu_s: 1,
        ..Limits::default()
    };
    let policy = Policy {
        limits,
        nice: 5,
        ..bash(&scratch)
    };
    let written = run(&policy, "exec head -c 2000000 /dev/zero > $HOME/file");
    assert!(!written.status.success());
    let file = scratch.path().join("file");
    assert_eq!(std::fs::metadata(file).unwrap().len(), 1 << 20);
    // SIGKILL at the hard limit, which equals the soft one.
    let spun = run(&policy, "while :; do :; done");
    assert_eq!(spun.status.signal(), Some(9));
    assert_eq!(text(&run(&policy, "nice").stdout), "5\n");
    let eater = "import sys; x = bytearray(8 << 30)";
    let python = Policy {
        program: PYTHON.into(),
        limits: Limits {
            as_bytes: 6 << 30,
            ..Limits::default()
        },
        ..bash(&scratch)
    };
    if Path::new(PYTHON).exists() {
        assert!(text(&run(&python, eater).stderr).contains("MemoryError"));
    }
}

#[test]
fn the_codec_has_the_same_sandbox() {
    let scratch = TempDir::new().unwrap();
    let secret = scratch.path().join("secret");
    std::fs::write(&secret, "GIF89a").unwrap();
    let (folder, plan) = (scratch.path().join("folder"), ImagePlan::standard(1, 1));
    std::fs::create_dir(&folder).unwrap();
    let request = json!({"original": secret, "plan": plan, "available_bytes": null}).to_string();
    let run = |read: Vec<PathBuf>| {
        let policy = Policy {
            read,
            write: vec![folder.clone()],
            ..Policy::new(Program::Codec)
        };
        let mut command = command(&policy, &[]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(request.as_bytes()).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    };
    let refused = run(Vec::new());
    assert!(
        text(&refused.stderr).contains("Permission denied"),
        "{refused:?}"
    );
    let allowed = run(vec![secret.clone()]);
    assert!(text(&allowed.stdout).contains("image_"), "{allowed:?}");
}

/// A shell in place of the worker starts a child and is killed.
#[test]
fn it_dies_with_its_parent() {
    let scratch = TempDir::new().unwrap();
    let mut command = Command::new("bash");
    let policy = serde_json::to_string(&Policy {
        parent: 0,
        ..bash(&scratch)
    })
    .unwrap();
    let (before, after) = policy.split_once("\"parent\":0").unwrap();
    // The shell is the parent, so the policy has its process id.
    let script = format!(
        "NATIVE_WORKER_SANDBOX='{before}\"parent\":'$$'{after}' {} -c 'echo started; exec sleep 600' & wait",
        env!("CARGO_BIN_EXE_native-worker")
    );
    let mut shell = command
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = shell.stdout.take().unwrap();
    let mut started = [0; 8];
    stdout.read_exact(&mut started).unwrap();
    assert_eq!(&started, b"started\n");
    shell.kill().unwrap();
    shell.wait().unwrap();
    let killed = Instant::now();
    // The child keeps its end of the pipe open while it lives.
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(killed.elapsed() < Duration::from_mins(1));
}

#[test]
fn an_orphan_does_not_start() {
    let scratch = TempDir::new().unwrap();
    let policy = Policy {
        parent: 1,
        ..bash(&scratch)
    };
    let output = run(&policy, "echo started");
    assert_eq!(output.status.code(), Some(i32::from(EXIT_CODE)));
    assert_eq!(text(&output.stdout), "");
}
