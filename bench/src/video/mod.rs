//! `cargo xtask bench video`: one film through the native worker of a local stack, against the bare ffmpeg command with the
//! same arguments, one ffmpeg run for each rung, and Shaka Streamer.

mod clip;
mod ours;
mod peer;
mod progress;
mod report;
mod sample;
mod shaka;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use shared::video::Plan;
use shared::video::preset::Preset;

use self::ours::{Ours, Watched, Worked};
use crate::Output;
use crate::environment::Environment;
use xtask::build::native::Profile;
use xtask::paths::Paths;
use xtask::say;

/// Short sides of the rungs: three, as the usual comparison with separate runs has them.
const RUNGS: [u32; 3] = [360, 720, 1_080];

/// How to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Turns that are measured, after those that are not.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// A film of your own (MP4, with sound) instead of twenty seconds of Big Buck Bunny.
    #[arg(long, value_name = "FILE")]
    film: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What a turn took.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    /// CPU time, all processes.
    cpu: Duration,
    /// Time on the clock.
    wall: Duration,
}

/// All that was measured.
struct Measured {
    bare: Vec<Cost>,
    /// Distance of the share of bare ffmpeg's frames from that of its time, 0…1.
    pace: Vec<f64>,
    separate: Vec<Cost>,
    shaka: Vec<Cost>,
    ours: Vec<Worked>,
    watched: Watched,
    plan: Plan,
}

/// Runs it; gives the tables.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<String> {
    let clip = match &options.film {
        Some(path) => clip::own(path)?,
        None => clip::film(paths)?,
    };
    let shaka = shaka::ensure(paths)?;
    let bench = Environment::new(paths, "video")?;
    let preset = preset();
    let plan = clip.plan(&preset)?;
    let rungs = plan.video.as_ref().map_or(0, |video| video.rungs.len());
    let turns = peer::Turns::new(&clip, &preset, &bench.folder, &shaka)?;
    let ours = Ours::start(&bench, &preset, Profile::Native)?;
    // Neither is compared with the peers: the first turn finds nothing warm, and in the second a viewer asks for things.
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
        bench.stop.check()?;
        say::note(format_args!("  ..  turn {run} of {}", options.runs));
        let (cost, pace) = turns.bare()?;
        measured.bare.push(cost);
        measured.pace.push(pace);
        measured.ours.push(ours.worked(&clip)?);
        measured.separate.push(turns.separate()?);
        measured.shaka.push(turns.shaka()?);
    }
    ours.stop();
    bench.clean()?;
    Ok(report::text(&clip, &measured))
}

/// The built-in preset with the rungs of this benchmark.
fn preset() -> Preset {
    let mut preset = Preset::default();
    preset.rungs.retain(|rung| RUNGS.contains(&rung.short_side));
    preset
}
