//! The box that every child process runs in. The worker starts itself again as the launcher of the child: the launcher
//! has no other thread and no state, so it can give up its rights one after the other in safe code, and then becomes
//! the program (or goes on as the worker's own codec).
//!
//! What the program has left: the files that the policy names, its three standard streams, bounded memory, time and
//! file sizes. No network, no other process, no way to more rights; and it dies with the worker.

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

/// Variable that turns a start of the worker into the launch of a child. It holds a [`Policy`] as JSON.
pub const VARIABLE: &str = "NATIVE_WORKER_SANDBOX";

/// Exit code of a launcher that could not launch, as a shell's for "found but cannot be executed".
pub const EXIT_CODE: u8 = 126;

/// Whether a child that died of `signal` went over a bound: `SIGKILL` (the kernel's choice when memory is short), `SIGXCPU`,
/// `SIGXFSZ`.
#[must_use]
pub const fn is_limit(signal: i32) -> bool {
    matches!(signal, 9 | 24 | 25)
}

/// System calls that no child needs: those that reach out of the box, or that reach too deep into the kernel.
const SECCOMP: &str = include_str!("seccomp.json");

/// What a program needs to start at all: its libraries, and what the C library asks about the machine.
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

/// The newest Landlock that the policy knows to use.
const LANDLOCK: ABI = ABI::V6;

/// Bounds of the kernel for one child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Address space.
    pub as_bytes: u64,
    /// Size of any file that it writes.
    pub fsize_bytes: u64,
    /// Time of all its threads on a core.
    pub cpu_s: u64,
    /// Open files.
    pub nofile: u64,
}

impl Default for Limits {
    /// A ladder of 2160p holds frames for each thread of its encoders, which are one and a half for each core: measured are
    /// 2.3 GB of address space with 3 threads, 7 with 24, 20 with 96. A file of 64 GiB is larger than any original.
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

/// What a child is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A program: a path, or a name to find in `PATH`.
    File(PathBuf),
    /// The codec of pictures, which the worker brings along.
    Codec,
}

impl<T: Into<PathBuf>> From<T> for Program {
    fn from(path: T) -> Self {
        Self::File(path.into())
    }
}

/// What a child may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// What it becomes.
    pub program: Program,
    /// Files and folders that it may read, besides the system's libraries.
    pub read: Vec<PathBuf>,
    /// Folders that it may write. It starts in the first one.
    pub write: Vec<PathBuf>,
    /// Bounds of the kernel.
    pub limits: Limits,
    /// How much it steps back behind other processes, 0…19.
    pub nice: i32,
    /// Process that it must not outlive.
    pub parent: u32,
}

impl Policy {
    /// A policy that allows nothing but to start `program`.
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

    /// Prepares `command`, which starts the launcher with the program's arguments.
    ///
    /// Trap: the child dies with the *thread* that spawns it. Spawn from a thread that lives as long as the worker,
    /// never from the blocking pool.
    pub fn apply(&self, command: &mut Command) -> std::io::Result<()> {
        note_level();
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env(VARIABLE, serde_json::to_string(self)?)
            .process_group(0);
        Ok(())
    }
}

/// How much of the policy this kernel enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It has no Landlock: children have no network, but see all files that the worker sees.
    NoFiles,
    /// Files are bounded, without all of the newer rights.
    Partial,
    /// Everything.
    Full,
}

/// What this kernel can enforce.
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

/// Where children can see the files of this process in `/proc`, they must not read its environment: secrets may be in it.
/// Landlock sees to that; without it, the kernel is told to show them to nobody of the same user.
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

fn note_level() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| match level() {
        Level::Full => tracing::info!("children are confined to their files, without network"),
        Level::Partial => tracing::warn!(
            "children are confined to their files, but this kernel's Landlock is old: \
             they could send signals to processes of the same user"
        ),
        Level::NoFiles => tracing::warn!(
            "this kernel has no Landlock: children have no network, but can read the files that the worker can read"
        ),
    });
}

/// If this process was started as a launcher: becomes the program, or gives the exit code of the codec or of having
/// failed.
#[must_use]
pub fn launched(codec: fn() -> ExitCode) -> Option<ExitCode> {
    let policy = std::env::var_os(VARIABLE)?;
    let ended = launch(&policy, codec).unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "sandbox: {error}");
        ExitCode::from(EXIT_CODE)
    });
    Some(ended)
}

/// Why a child was not launched.
#[derive(Debug, thiserror::Error)]
enum LaunchError {
    #[error("the policy is not valid: {0}")]
    Policy(#[from] serde_json::Error),
    #[error("the program {} is not found: name it by its whole path, or install it", .0.display())]
    Program(PathBuf),
    #[error("the worker is gone")]
    Orphan,
    #[error("a right cannot be given up: {0}")]
    Right(#[from] rustix::io::Errno),
    #[error("the files cannot be confined: {0}")]
    Files(#[from] landlock::RulesetError),
    #[error("the system calls cannot be confined: {0}")]
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
    // The parent may have died before the line above took effect.
    let parent = rustix::process::getppid().map(rustix::process::Pid::as_raw_pid);
    if parent.and_then(|pid| u32::try_from(pid).ok()) != Some(policy.parent) {
        return Err(LaunchError::Orphan);
    }
    bound(&policy)?;
    rustix::thread::set_no_new_privs(true)?;
    confine_files(&policy, program.as_deref())?;
    drop_capabilities()?;
    confine_calls()?;
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

/// The program's real path.
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

fn bound(policy: &Policy) -> Result<(), LaunchError> {
    let Limits {
        as_bytes,
        fsize_bytes,
        cpu_s,
        nofile,
    } = policy.limits;
    for (resource, bound) in [
        (Resource::As, as_bytes),
        (Resource::Fsize, fsize_bytes),
        (Resource::Cpu, cpu_s),
        (Resource::Nofile, nofile),
        (Resource::Core, 0),
    ] {
        // Never above what the worker itself may.
        let most = rustix::process::getrlimit(resource)
            .maximum
            .unwrap_or(u64::MAX);
        let bound = Some(bound.min(most));
        rustix::process::setrlimit(
            resource,
            Rlimit {
                current: bound,
                maximum: bound,
            },
        )?;
    }
    if policy.nice > 0 {
        rustix::process::nice(policy.nice)?;
    }
    Ok(())
}

fn confine_files(policy: &Policy, program: Option<&Path>) -> Result<(), LaunchError> {
    let mut ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?;
    if let Some(scope) = scope(LANDLOCK) {
        ruleset = ruleset.scope(scope)?;
    }
    let read = AccessFs::from_read(LANDLOCK);
    // A program may bring its libraries along.
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

/// A worker that runs as root must not have children that may do what root may.
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

fn confine_calls() -> Result<(), LaunchError> {
    let arch = std::env::consts::ARCH
        .try_into()
        .map_err(seccompiler::Error::Backend)?;
    for filter in seccompiler::compile_from_json(SECCOMP.as_bytes(), arch)?.values() {
        seccompiler::apply_filter(filter)?;
    }
    seccompiler::apply_filter(&numbers_of_x32())?;
    Ok(())
}

/// Denies every number of the x32 ABI: by those, a kernel of x86-64 that knows it can be asked for all that is denied above.
/// (No other architecture has numbers so high.)
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
        // BPF_LD | BPF_W | BPF_ABS: the number, which comes first in `seccomp_data`.
        step(0x20, 0, 0),
        // BPF_JMP | BPF_JGE | BPF_K
        step(0x35, 1, X32),
        // BPF_RET | BPF_K
        step(0x06, 0, DENY),
        step(0x06, 0, ALLOW),
    ]
}
