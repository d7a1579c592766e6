//! Available and used memory, as the kernel reports it.

use std::path::Path;

/// Bytes that are available to new work: of the machine, or of the control group if it has less.
pub(crate) fn available_bytes() -> Option<u64> {
    let machine = machine_bytes(&read("/proc/meminfo")?);
    let group = group_bytes();
    match (machine, group) {
        (Some(machine), Some(group)) => Some(machine.min(group)),
        (machine, group) => machine.or(group),
    }
}

/// Resident memory of the worker, in bytes.
pub(crate) fn resident_bytes() -> Option<u64> {
    kib_line(&read("/proc/self/status")?, "VmRSS:")
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    kib_line(meminfo, "MemAvailable:")
}

/// The value of a line `Name:   123 kB`, in bytes.
fn kib_line(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    kib.checked_mul(1024)
}

/// Bytes that the control group (version 2) may still use; `None` without a limit.
fn group_bytes() -> Option<u64> {
    let groups = read("/proc/self/cgroup")?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let folder = Path::new("/sys/fs/cgroup").join(path);
    let number = |file: &str| read(folder.join(file))?.trim().parse::<u64>().ok();
    // Without a limit the file holds the word "max".
    let max = number("memory.max")?;
    let used = number("memory.current")?;
    // The page cache counts as used, but the kernel frees inactive pages when memory is needed.
    let cache = read(folder.join("memory.stat"))
        .and_then(|stat| {
            let line = stat
                .lines()
                .find_map(|line| line.strip_prefix("inactive_file "))?;
            line.trim().parse::<u64>().ok()
        })
        .unwrap_or(0);
    Some(max.saturating_sub(used.saturating_sub(cache)))
}

fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_kernel() {
        let meminfo = "MemTotal:  100 kB\nMemAvailable:   24061528 kB\nBuffers: 1 kB\n";
        assert_eq!(machine_bytes(meminfo), Some(24_061_528 * 1024));
        assert_eq!(machine_bytes("MemTotal: 100 kB\n"), None);
        assert!(available_bytes().is_some_and(|bytes| bytes > 1 << 20));
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
