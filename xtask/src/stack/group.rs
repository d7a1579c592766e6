//! Finding and ending processes: by their group, and by a mark in their environment that children inherit.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// The variable that marks every process of a stack: `<state folder>#<start>/<part>/`.
pub(super) const MARK: &str = "FERROTYPE_STACK";

/// Time in which the system must end killed processes.
const KILL_DEADLINE: Duration = Duration::from_secs(5);

/// Sends `signal` to the group of the child `id`; a group that is gone is no error.
pub(super) fn signal(id: u32, signal: Signal) {
    if let Some(pid) = pid(id) {
        let _ = kill_process_group(pid, signal);
    }
}

/// Sends `signal` to the child `id` alone; one that is gone is no error.
pub(super) fn signal_one(id: u32, signal: Signal) {
    if let Some(pid) = pid(id) {
        let _ = kill_process(pid, signal);
    }
}

/// Kills every process whose mark starts with `prefix` and returns when none is left.
pub(super) fn kill_marked(prefix: &str) -> Result<()> {
    let deadline = Instant::now() + KILL_DEADLINE;
    loop {
        let found = marked(prefix);
        if found.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!("these processes of the stack did not end after SIGKILL: {found:?}");
        }
        for pid in found.into_iter().filter_map(pid) {
            let _ = kill_process(pid, Signal::KILL);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Processes whose mark starts with `prefix`. A process that has ended but was not waited for has no mark.
pub(super) fn marked(prefix: &str) -> BTreeSet<u32> {
    let wanted = format!("{MARK}={prefix}");
    let is_marked = |id: &u32| {
        let variables = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        variables
            .split(|byte| *byte == 0)
            .any(|variable| variable.starts_with(wanted.as_bytes()))
    };
    processes().filter(is_marked).collect()
}

/// Marked processes whose program has this name.
pub(super) fn marked_named(prefix: &str, name: &str) -> BTreeSet<u32> {
    let is_named = |id: &u32| {
        fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|found| found.trim() == name)
    };
    marked(prefix).into_iter().filter(is_named).collect()
}

/// Whether the process still runs. One that waits to be reaped does not.
pub(super) fn is_running(id: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{id}/stat")) else {
        return false;
    };
    // The state follows the program's name, which is in parentheses and may hold any character.
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim_start().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// CPU time of a process so far, in its own code and in the kernel's; zero for one that is gone.
pub fn cpu_time(id: u32) -> Duration {
    cpu_fields(id, 2)
}

/// The same, with that of the children that it has waited for.
pub fn cpu_time_with_children(id: u32) -> Duration {
    cpu_fields(id, 4)
}

/// Time since the start of this process, including its own build: `cargo run` and the launcher become the program that they build.
pub fn process_age() -> Duration {
    let read = |file| fs::read_to_string(file).unwrap_or_default();
    // Hundredths of a second from the start of the system, the 20th field after the name (proc(5)).
    let stat = read("/proc/self/stat");
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let started = fields.split_ascii_whitespace().nth(19);
    let started = started.and_then(|field| field.parse::<u64>().ok());
    let uptime = read("/proc/uptime");
    let uptime = uptime.split_ascii_whitespace().next();
    let uptime = uptime.and_then(|field| field.parse().ok());
    let uptime = Duration::from_secs_f64(uptime.unwrap_or_default());
    uptime.saturating_sub(Duration::from_millis(started.unwrap_or_default() * 10))
}

/// The sum of the first `count` of `utime`, `stime`, `cutime` and `cstime`: after the name, the 12th to 15th field, in
/// hundredths of a second (proc(5)).
fn cpu_fields(id: u32, count: usize) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_ascii_whitespace().skip(11).take(count);
    let hundredths: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(hundredths * 10)
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn pid(id: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(id).ok()?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_marked_process_is_found_and_killed_with_its_children() {
        let mark = format!("/test#{}", std::process::id());
        let mut shell = Command::new("sh");
        let mut child = shell
            .args(["-c", "sleep 60 & sleep 60"])
            .env(MARK, &mark)
            .process_group(0)
            .spawn()
            .unwrap();
        // A child of the shell is marked before it has its own name.
        while marked_named(&mark, "sleep").len() < 2 {
            std::thread::yield_now();
        }
        assert!(is_running(child.id()));
        assert_eq!(marked(&mark).len(), 3);
        kill_marked(&mark).unwrap();
        assert!(marked(&mark).is_empty());
        assert!(!is_running(child.id()));
        child.wait().unwrap();
    }
}
