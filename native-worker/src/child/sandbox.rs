//! The sandbox of every child program. The worker starts itself again as the launcher of the child. The launcher has no
//! other threads and no state, so it can drop its rights one after the other in safe code. Then it executes the program, or
//! continues as the image codec.
//!
//! The program keeps the files that the policy names, its three standard streams, and limited memory, CPU time and file
//! sizes. It has no network, no access to other programs and no way to gain rights, and it dies with the worker.

use std::ffi::OsString;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Once;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, Scope, path_beneath_rules,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::thread::{CapabilitySet, CapabilitySets};
use seccompiler::sock_filter;
use serde::{Deserialize, Serialize};

/// Environment variable that makes the worker start as the launcher of a child. Its value is a [`Policy`] as JSON.
pub const VARIABLE: &str = "NATIVE_WORKER_SANDBOX";

/// Exit code of a launcher that failed: the code of a shell for "found, but cannot be executed".
pub const EXIT_CODE: u8 = 126;

/// Whether `signal` means that a child exceeded a limit: `SIGKILL` (which the kernel sends when memory is short), `SIGXCPU`
/// or `SIGXFSZ`.
#[must_use]
pub const fn is_limit(signal: i32) -> bool {
    matches!(signal, 9 | 24 | 25)
}

/// System calls that no child needs, because they reach out of the sandbox or deep into the kernel.
const SECCOMP: &str = include_str!("seccomp.json");

/// What every program needs to start: its libraries, and the files by which the C library examines the machine.
const READ_ALWAYS: [&str; 14] = [
    "/usr",
    "/lib",
    "/lib64",
    "/bin",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/localtime",
    "/dev/urandom",
    "/dev/random",
    "/dev/zero",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
];

/// The newest version of Landlock that the policy uses.
const LANDLOCK: ABI = ABI::V6;

/// Resource limits of one child, enforced by the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space, in bytes.
    pub as_bytes: u64,
    /// Size of each written file, in bytes.
    pub fsize_bytes: u64,
    /// CPU time of all threads, in seconds.
    pub cpu_s: u64,
    /// Open files.
    pub nofile: u64,
}

impl Default for Limits {
    /// A 2160p ladder holds frames for each thread of its encoders, which use 1.5 threads per core. Measured address space:
    /// 2.3 GB with 3 threads, 7 GB with 24, 20 GB with 96. No original is larger than 64 GiB.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let cores = u64::try_from(cores).unwrap_or(u64::MAX);
        Self {
            as_bytes: cores.saturating_add(4).saturating_mul(1 << 30),
            fsize_bytes: 64 << 30,
            cpu_s: 24 * 3600,
            nofile: 256,
        }
    }
}

/// The program of a child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A path, or a name that is searched in `PATH`.
    File(PathBuf),
    /// The image codec, which is part of the worker.
    Codec,
}

impl<T: Into<PathBuf>> From<T> for Program {
    fn from(path: T) -> Self {
        Self::File(path.into())
    }
}

/// The rights of a child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The program to execute.
    pub program: Program,
    /// Files and folders that it may read, besides the libraries of the system.
    pub read: Vec<PathBuf>,
    /// Folders in which it may write. The first one is its working folder.
    pub write: Vec<PathBuf>,
    /// Resource limits.
    pub limits: Limits,
    /// Nice value, 0…19: a higher value means a lower priority.
    pub nice: i32,
    /// Id of the process that it must not outlive.
    pub parent: u32,
}

impl Policy {
    /// A policy that only allows to execute `program`.
    #[must_use]
    pub fn new(program: impl Into<Program>) -> Self {
        Self {
            program: program.into(),
            read: Vec::new(),
            write: Vec::new(),
            limits: Limits::default(),
            nice: 0,
            parent: std::process::id(),
        }
    }

    /// Prepares `command`, which starts the launcher with the arguments of the program.
    ///
    /// Trap: the child dies with the *thread* that spawns it. Spawn it from a thread that lives as long as the worker,
    /// never from the blocking pool.
    ///
    /// # Errors
    ///
    /// If a path of the policy is not valid UTF-8.
    pub fn apply(&self, command: &mut Command) -> std::io::Result<()> {
        log_level();
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env(VARIABLE, serde_json::to_string(self)?)
            .process_group(0);
        Ok(())
    }
}

/// How much of a policy the kernel enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The kernel has no Landlock: children have no network, but can read all files that the worker can read.
    NoFiles,
    /// Access to files is restricted, but newer restrictions are missing.
    Partial,
    /// Everything.
    Full,
}

/// How much this kernel can enforce.
#[must_use]
pub fn level() -> Level {
    let has = |abi: ABI| {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let ruleset = ruleset.handle_access(AccessFs::from_all(abi));
        let ruleset = match scope(abi) {
            Some(scope) => ruleset.and_then(|ruleset| ruleset.scope(scope)),
            None => ruleset,
        };
        ruleset.and_then(Ruleset::create).is_ok()
    };
    match (has(LANDLOCK), has(ABI::V1)) {
        (true, _) => Level::Full,
        (false, true) => Level::Partial,
        (false, false) => Level::NoFiles,
    }
}

/// Protects the environment of the worker, which may hold secrets, from children that can read `/proc`. Landlock does this.
/// On a kernel without it, the worker is made undumpable, so that other programs of the same user cannot read its
/// environment.
///
/// # Errors
///
/// If the kernel refuses.
pub fn close_environment() -> std::io::Result<()> {
    if level() == Level::NoFiles {
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    }
    Ok(())
}

fn scope(abi: ABI) -> Option<BitFlags<Scope>> {
    let scope = Scope::from_all(abi);
    (!scope.is_empty()).then_some(scope)
}

impl Level {
    /// What the level means, in a sentence.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Full => "children are restricted to their files and have no network",
            Self::Partial => {
                "children are restricted to their files, but the Landlock of this kernel is old: \
                 they could send signals to other programs of the same user"
            }
            Self::NoFiles => {
                "this kernel has no Landlock: children have no network, but can read the files that the worker can read"
            }
        }
    }
}

fn log_level() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| match level() {
        Level::Full => tracing::info!("{}", Level::Full.describe()),
        missing @ (Level::Partial | Level::NoFiles) => tracing::warn!("{}", missing.describe()),
    });
}

/// Runs the launcher, if the program was started as one: executes the program of the policy, or returns the exit code of
/// `codec` or of the failure. `None` if the program was not started as a launcher.
#[must_use]
pub fn launched(codec: fn() -> ExitCode) -> Option<ExitCode> {
    let policy = std::env::var_os(VARIABLE)?;
    let exit_code = launch(&policy, codec).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "sandbox: {error}");
        ExitCode::from(EXIT_CODE)
    });
    Some(exit_code)
}

/// Why a child could not be launched.
#[derive(Debug, thiserror::Error)]
enum LaunchError {
    #[error("the policy is invalid: {0}")]
    Policy(#[from] serde_json::Error),
    #[error("the program {} was not found: install it, or set its absolute path", .0.display())]
    Program(PathBuf),
    #[error("the worker has ended")]
    Orphan,
    #[error("a right cannot be dropped: {0}")]
    Right(#[from] rustix::io::Errno),
    #[error("access to files cannot be restricted: {0}")]
    Files(#[from] landlock::RulesetError),
    #[error("the system calls cannot be restricted: {0}")]
    Calls(#[from] seccompiler::Error),
    #[error("the program cannot be executed: {0}")]
    Exec(#[from] std::io::Error),
}

fn launch(policy: &OsString, codec: fn() -> ExitCode) -> Result<ExitCode, LaunchError> {
    let policy: Policy = serde_json::from_str(&policy.to_string_lossy())?;
    let program = match &policy.program {
        Program::File(name) => Some(find(name).ok_or_else(|| LaunchError::Program(name.clone()))?),
        Program::Codec => None,
    };
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have died before the death signal was set.
    let parent = rustix::process::getppid().map(rustix::process::Pid::as_raw_pid);
    if parent.and_then(|pid| u32::try_from(pid).ok()) != Some(policy.parent) {
        return Err(LaunchError::Orphan);
    }
    limit(&policy)?;
    rustix::thread::set_no_new_privs(true)?;
    restrict_files(&policy, program.as_deref())?;
    drop_capabilities()?;
    restrict_calls()?;
    let home = policy
        .write
        .first()
        .map_or(Path::new("/"), PathBuf::as_path);
    std::env::set_current_dir(home)?;
    let Some(program) = program else {
        return Ok(codec());
    };
    let error = Command::new(&program)
        .args(std::env::args_os().skip(1))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", home)
        .env("TMPDIR", home)
        .exec();
    Err(LaunchError::Exec(error))
}

/// The canonical path of a program.
fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.canonicalize().ok();
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .and_then(|found| found.canonicalize().ok())
}

fn limit(policy: &Policy) -> Result<(), LaunchError> {
    let Limits {
        as_bytes,
        fsize_bytes,
        cpu_s,
        nofile,
    } = policy.limits;
    for (resource, limit) in [
        (Resource::As, as_bytes),
        (Resource::Fsize, fsize_bytes),
        (Resource::Cpu, cpu_s),
        (Resource::Nofile, nofile),
        (Resource::Core, 0),
    ] {
        // Never above the limit of the worker itself.
        let most = rustix::process::getrlimit(resource)
            .maximum
            .unwrap_or(u64::MAX);
        let limit = Some(limit.min(most));
        rustix::process::setrlimit(
            resource,
            Rlimit {
                current: limit,
                maximum: limit,
            },
        )?;
    }
    if policy.nice > 0 {
        rustix::process::nice(policy.nice)?;
    }
    Ok(())
}

fn restrict_files(policy: &Policy, program: Option<&Path>) -> Result<(), LaunchError> {
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?;
    if let Some(scope) = scope(LANDLOCK) {
        ruleset = ruleset.scope(scope)?;
    }
    let read = AccessFs::from_read(LANDLOCK);
    // A program outside of /usr may have its libraries beside it.
    let near = |up: usize| Some(program?.ancestors().nth(up)?.join("lib"));
    ruleset
        .create()?
        .add_rules(path_beneath_rules(READ_ALWAYS, read))?
        .add_rules(path_beneath_rules(program, read))?
        .add_rules(path_beneath_rules(near(1), read))?
        .add_rules(path_beneath_rules(near(2), read))?
        .add_rules(path_beneath_rules(&policy.read, read & !AccessFs::Execute))?
        .add_rules(path_beneath_rules(
            ["/dev/null"],
            AccessFs::ReadFile | AccessFs::WriteFile,
        ))?
        .add_rules(path_beneath_rules(
            &policy.write,
            AccessFs::from_all(LANDLOCK) & !AccessFs::Execute,
        ))?
        .restrict_self()?;
    Ok(())
}

/// Drops all capabilities: children of a worker that runs as root must not have the rights of root.
fn drop_capabilities() -> Result<(), LaunchError> {
    let none = CapabilitySet::empty();
    rustix::thread::set_capabilities(
        None,
        CapabilitySets {
            effective: none,
            permitted: none,
            inheritable: none,
        },
    )?;
    Ok(())
}

fn restrict_calls() -> Result<(), LaunchError> {
    let arch = std::env::consts::ARCH
        .try_into()
        .map_err(seccompiler::Error::Backend)?;
    for filter in seccompiler::compile_from_json(SECCOMP.as_bytes(), arch)?.values() {
        seccompiler::apply_filter(filter)?;
    }
    seccompiler::apply_filter(&numbers_of_x32())?;
    Ok(())
}

/// Denies all system calls of the x32 ABI. On x86-64, a kernel that supports it offers every denied call again under a second
/// number. No other architecture has such high numbers.
const fn numbers_of_x32() -> [sock_filter; 4] {
    /// `__X32_SYSCALL_BIT`.
    const X32: u32 = 0x4000_0000;
    const ALLOW: u32 = 0x7fff_0000;
    /// `SECCOMP_RET_ERRNO` with `EPERM`.
    const DENY: u32 = 0x0005_0001;
    const fn step(code: u16, jump_false: u8, k: u32) -> sock_filter {
        sock_filter {
            code,
            jt: 0,
            jf: jump_false,
            k,
        }
    }
    [
        // BPF_LD | BPF_W | BPF_ABS: loads the number, the first field of `seccomp_data`.
        step(0x20, 0, 0),
        // BPF_JMP | BPF_JGE | BPF_K
        step(0x35, 1, X32),
        // BPF_RET | BPF_K
        step(0x06, 0, DENY),
        step(0x06, 0, ALLOW),
    ]
}
