//! The peers: programs that are started and waited for, and whose output is checked.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use fs_err::{self as fs, File};
use shared::video::command;
use shared::video::preset::Preset;

use super::Cost;
use super::clip::Clip;
use super::course;
use super::shaka::Shaka;

/// Where a peer's stdout goes: that of ffmpeg is its progress.
const PROGRESS: &str = "progress";

/// Time between two looks at it.
const LOOK: Duration = Duration::from_millis(50);

/// What each peer does.
pub(super) struct Turns<'a> {
    clip: &'a Clip,
    shaka: &'a Shaka,
    folder: PathBuf,
    /// The ladder in one run.
    whole: Vec<String>,
    /// One run for each rung.
    each: Vec<Vec<String>>,
}

impl<'a> Turns<'a> {
    /// Plans all of them; their output goes below `folder` and is removed after each turn.
    pub(super) fn new(
        clip: &'a Clip,
        preset: &Preset,
        folder: &Path,
        shaka: &'a Shaka,
    ) -> Result<Self> {
        let input = clip.path.to_string_lossy();
        let arguments = |preset: &Preset| -> Result<Vec<String>> {
            Ok(command::ladder(&clip.plan(preset)?, &input))
        };
        let single = |rung| Preset {
            rungs: vec![rung],
            ..preset.clone()
        };
        Ok(Self {
            clip,
            shaka,
            folder: folder.join("peer"),
            whole: arguments(preset)?,
            each: preset
                .rungs
                .iter()
                .map(|rung| arguments(&single(*rung)))
                .collect::<Result<_>>()?,
        })
    }

    /// The exact command of the worker, alone. Also returns the largest distance between the share of its frames and that of its
    /// time.
    pub(super) fn bare(&self) -> Result<(Cost, f64)> {
        let progress = self.folder.join(PROGRESS);
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watched = scope.spawn(|| pace(&progress, &is_over));
            let cost = self.turn(|folder| timed(Command::new("ffmpeg").args(&self.whole), folder));
            is_over.store(true, Ordering::Relaxed);
            let points = watched.join();
            let points = points.map_err(|_| anyhow!("the thread that watches ffmpeg panicked"))?;
            Ok((cost?, course::distance(&points)))
        })
    }

    /// One run for each rung, one after the other: each decodes, and each encodes the audio.
    pub(super) fn separate(&self) -> Result<Cost> {
        let mut total = Cost::default();
        for arguments in &self.each {
            let cost = self.turn(|folder| timed(Command::new("ffmpeg").args(arguments), folder))?;
            total.cpu += cost.cpu;
            total.wall += cost.wall;
        }
        Ok(total)
    }

    /// Shaka Streamer.
    pub(super) fn shaka(&self) -> Result<Cost> {
        self.turn(|folder| timed(&mut self.shaka.command(&self.clip.path, folder)?, folder))
    }

    fn turn(&self, work: impl FnOnce(&Path) -> Result<Cost>) -> Result<Cost> {
        fs::create_dir_all(&self.folder)?;
        let cost = work(&self.folder)?;
        if segments(&self.folder)? == 0 {
            bail!("a peer has written no segments");
        }
        fs::remove_dir_all(&self.folder)?;
        Ok(cost)
    }
}

/// The frames that ffmpeg reports in the file `progress`, with the time at which that was seen.
fn pace(progress: &Path, is_over: &AtomicBool) -> Vec<(f64, f64)> {
    let (from, mut points) = (Instant::now(), Vec::new());
    while !is_over.load(Ordering::Relaxed) {
        let text = fs::read_to_string(progress).unwrap_or_default();
        let frame = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("frame="));
        if let Some(frame) = frame.and_then(|frame| frame.trim().parse::<f64>().ok()) {
            points.push((from.elapsed().as_secs_f64(), frame));
        }
        std::thread::sleep(LOOK);
    }
    points
}

/// Segments below `folder` that are not empty.
fn segments(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            count += segments(&path)?;
        } else if path
            .extension()
            .is_some_and(|found| found == "m4s" || found == "mp4")
            && entry.metadata()?.len() > 0
        {
            count += 1;
        }
    }
    Ok(count)
}

/// Runs `command` in `folder`. Bash measures the CPU time of it and of all its descendants that were waited for.
fn timed(command: &mut Command, folder: &Path) -> Result<Cost> {
    let log = folder.join("log");
    let mut bash = Command::new("bash");
    bash.args(["-c", "TIMEFORMAT='%R %U %S'; time \"$0\" \"$@\" 2>log"])
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(File::create(folder.join(PROGRESS))?.into_file());
    for (key, value) in command.get_envs() {
        bash.env(key, value.unwrap_or_default());
    }
    let output = bash.output().context("cannot start bash")?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!(
            "{} failed ({})\n{}",
            command.get_program().display(),
            output.status,
            xtask::run::tail(&fs::read_to_string(log).unwrap_or_default(), 20)
        );
    }
    let times: Vec<f64> = text
        .lines()
        .next_back()
        .unwrap_or_default()
        .split(' ')
        .filter_map(|word| word.parse().ok())
        .collect();
    match times.as_slice() {
        [wall, user, system] => Ok(Cost {
            cpu: Duration::from_secs_f64(user + system),
            wall: Duration::from_secs_f64(*wall),
        }),
        _ => bail!("bash has printed no times: {text}"),
    }
}
