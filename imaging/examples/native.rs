//! Runs the native codec on one file, for `cargo xtask bench image`. `native <file> <repeats>` prints one line of JSON
//! with the memory estimate in bytes, and the mean CPU and wall time of a run in milliseconds.
#![expect(clippy::print_stdout, reason = "this program prints its result")]

use std::time::Instant;

use imaging::{Probe, Session, probe};
use shared::image::{EDGE_MEMORY_MAX_BYTES, ImagePlan, PIXELS_MAX};

/// High enough that the estimate is also printed for images that the edge rejects.
const MEMORY_MAX_BYTES: u64 = 64 * EDGE_MEMORY_MAX_BYTES;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: native <file> <repeats>")?;
    let repeats: u32 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let file = std::fs::read(path)?;
    let plan = ImagePlan::standard(PIXELS_MAX, MEMORY_MAX_BYTES);
    let estimate = match probe(&file, u64::try_from(file.len())?, &plan) {
        Ok(Probe::Ready(summary)) => summary.memory_bytes,
        Ok(Probe::NeedMore) => 0,
        Err(failure) => return Err(failure.detail.into()),
    };
    let (cpu, wall) = (cpu_ms()?, Instant::now());
    for _ in 0..repeats {
        let mut session = Session::open(file.clone(), &plan).map_err(|failure| failure.detail)?;
        while session
            .next_variant()
            .map_err(|failure| failure.detail)?
            .is_some()
        {}
    }
    let (cpu, wall) = (cpu_ms()? - cpu, wall.elapsed().as_secs_f64() * 1000.0);
    let (cpu, wall) = (cpu / f64::from(repeats), wall / f64::from(repeats));
    println!(r#"{{"estimate_bytes":{estimate},"cpu_ms":{cpu:.1},"wall_ms":{wall:.1}}}"#);
    Ok(())
}

/// CPU time of this program so far, in milliseconds. Fields 14 and 15 of `/proc/self/stat` are its user and system time
/// in ticks of 10 ms (proc(5)).
fn cpu_ms() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no command in stat")?;
    let ticks: Result<Vec<f64>, _> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect();
    Ok(ticks?.iter().sum::<f64>() * 10.0)
}
