//! `cargo xtask bench video`: one video through the native worker of a local stack, against the bare ffmpeg command with the same
//! arguments, one ffmpeg run for each rung, and Shaka Streamer.

mod clip;
mod course;
mod ours;
mod peer;
mod report;
mod sample;
mod shaka;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use shared::video::Plan;
use shared::video::preset::Preset;
use xtask::paths::Paths;
use xtask::say;

use self::ours::{Ours, Watched, Worked};
use crate::Output;
use crate::environment::Environment;

/// Short sides of the rungs: three, as in the usual comparison with separate runs.
const RUNGS: [u32; 3] = [360, 720, 1_080];

/// How to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Turns that are measured, after the warm-up.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// A video of your own (MP4, with audio) instead of forty seconds of Big Buck Bunny.
    #[arg(long, value_name = "FILE")]
    video: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What a turn cost.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    /// CPU time of all processes.
    cpu: Duration,
    wall: Duration,
}

/// All measurements.
struct Measured {
    bare: Vec<Cost>,
    /// Largest distance between the share of bare ffmpeg's frames and that of its time, 0…1.
    pace: Vec<f64>,
    separate: Vec<Cost>,
    shaka: Vec<Cost>,
    ours: Vec<Worked>,
    watched: Watched,
    plan: Plan,
}

/// Measures; returns the tables.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<String> {
    let clip = match &options.video {
        Some(path) => clip::own(path)?,
        None => clip::default(paths)?,
    };
    let shaka = shaka::ensure(paths)?;
    let environment = Environment::new(paths, "video")?;
    let preset = preset();
    let plan = clip.plan(&preset)?;
    let rungs = plan.video.as_ref().map_or(0, |video| video.rungs.len());
    let turns = peer::Turns::new(&clip, &preset, &environment.folder, &shaka)?;
    let ours = Ours::start(&environment, &preset)?;
    // Neither is compared with the peers: the first turn is a warm-up, and in the second a viewer sends requests.
    ours.worked(&clip)?;
    let watched = ours.watched(&clip, rungs)?;
    let mut measured = Measured {
        bare: Vec::new(),
        pace: Vec::new(),
        separate: Vec::new(),
        shaka: Vec::new(),
        ours: Vec::new(),
        watched,
        plan,
    };
    turns.bare()?;
    for run in 1..=options.runs {
        environment.stop.check()?;
        say::note(format_args!("  ..  turn {run} of {}", options.runs));
        let (cost, pace) = turns.bare()?;
        measured.bare.push(cost);
        measured.pace.push(pace);
        measured.ours.push(ours.worked(&clip)?);
        measured.separate.push(turns.separate()?);
        measured.shaka.push(turns.shaka()?);
    }
    ours.stop();
    environment.clean()?;
    Ok(report::text(&clip, &measured))
}

/// The built-in preset with the rungs of this benchmark.
fn preset() -> Preset {
    let mut preset = Preset::default();
    preset.rungs.retain(|rung| RUNGS.contains(&rung.short_side));
    preset
}
