//! The worker's process, its children and its scratch folder, sampled while a job runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use xtask::stack::{cpu_time, cpu_time_with_children};

/// Time between two samples. With two busy cores, at most twice this time of a child's CPU time is missed.
const INTERVAL: Duration = Duration::from_millis(25);

/// The program that encodes.
const ENCODER: &str = "ffmpeg";

/// What one job used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Usage {
    /// CPU time of the worker and of all its children.
    pub(super) cpu: Duration,
    /// CPU time of the one run that encodes the ladder, and of the worker meanwhile.
    pub(super) encode_cpu: Duration,
    /// Duration of that run.
    pub(super) encode_wall: Duration,
    /// Largest memory of the worker's process so far, in bytes.
    pub(super) resident_bytes: u64,
    /// Largest size of its scratch folder, in bytes.
    pub(super) scratch_bytes: u64,
}

/// A run of the encoder.
#[derive(Debug, Clone, Copy)]
struct Run {
    from: Instant,
    until: Instant,
    cpu: Duration,
    /// CPU time of the worker itself at both ends.
    own_from: Duration,
    own_until: Duration,
}

/// Samples a worker in a thread of its own.
pub(super) struct Sampler {
    process: u32,
    before: Duration,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(BTreeMap<u32, Run>, u64)>,
}

impl Sampler {
    /// Starts to sample the worker `process` with its scratch folder.
    pub(super) fn start(process: u32, scratch: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut runs, mut largest) = (BTreeMap::new(), 0);
            while !flag.load(Ordering::Relaxed) {
                sample(process, &mut runs);
                largest = largest.max(size_bytes(&scratch));
                std::thread::sleep(INTERVAL);
            }
            (runs, largest)
        });
        Self {
            process,
            before: cpu_time_with_children(process),
            stop,
            thread,
        }
    }

    /// Ends the sampling.
    pub(super) fn finish(self) -> Result<Usage> {
        self.stop.store(true, Ordering::Relaxed);
        let Ok((runs, scratch_bytes)) = self.thread.join() else {
            bail!("the sampling thread panicked");
        };
        let ladder = runs
            .into_values()
            .max_by_key(|run| run.cpu)
            .context("the worker has not started an encoder")?;
        Ok(Usage {
            cpu: cpu_time_with_children(self.process).saturating_sub(self.before),
            encode_cpu: ladder.cpu + ladder.own_until.saturating_sub(ladder.own_from),
            encode_wall: ladder.until.duration_since(ladder.from),
            resident_bytes: resident_bytes(self.process),
            scratch_bytes,
        })
    }
}

fn sample(process: u32, runs: &mut BTreeMap<u32, Run>) {
    let own = cpu_time(process);
    for child in children(process) {
        let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
        let cpu = cpu_time(child);
        if name.trim() != ENCODER || cpu.is_zero() {
            continue;
        }
        let now = Instant::now();
        let run = runs.entry(child).or_insert(Run {
            from: now,
            until: now,
            cpu,
            own_from: own,
            own_until: own,
        });
        (run.until, run.cpu, run.own_until) = (now, cpu, own);
    }
}

/// Children of all threads of a process.
fn children(process: u32) -> Vec<u32> {
    let threads = fs::read_dir(format!("/proc/{process}/task"));
    let threads = threads.into_iter().flatten().flatten();
    threads
        .filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|line| {
            let ids: Vec<u32> = line
                .split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect();
            ids
        })
        .collect()
}

/// Largest memory of a process so far.
fn resident_bytes(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1_024
}

/// Bytes of the files below a folder; those that disappear meanwhile do not count.
fn size_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_bytes(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
