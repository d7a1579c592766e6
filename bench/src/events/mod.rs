//! `cargo xtask bench events`: the wait for a photo of 12 megapixels, from `complete` to the event that announces its outputs.

mod photo;
pub(crate) mod watch;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use client::Client;
use shared::asset::AssetState;
use shared::event::EventType;
use shared::id::AssetId;
use xtask::paths::Paths;
use xtask::say;

use self::watch::Watcher;
use crate::Output;
use crate::environment::Environment;
use crate::report::stats::{float, median, ms, percentile};
use crate::report::table::Table;

/// Longest wait for the end of one photo.
const PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two photos, so that nothing of the previous one is in progress.
const PAUSE: Duration = Duration::from_millis(700);
/// The outputs of an image.
const OUTPUTS: usize = 4;
/// The longest median from `complete` to `processing_complete`.
const GOAL: Duration = Duration::from_secs(1);

/// How to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Photos that are measured, after a warm-up.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Times of one photo, since `complete` was called.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    answered: Duration,
    started: Duration,
    ended: Duration,
    /// From the start to the end of the work, by the times in the events.
    work: Duration,
}

/// Measures; returns the table.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<String> {
    let photo = photo::twelve_megapixels(paths)?;
    let environment = Environment::new(paths, "events")?;
    let stack = environment.stack(&paths.root, "ours", Vec::new())?;
    let client = environment.user(&stack, "watcher")?;
    let watcher = Watcher::start(&client)?;
    let mut all = Vec::new();
    for run in 0..=options.runs {
        environment.stop.check()?;
        std::thread::sleep(PAUSE);
        let (times, asset) = once(&client, &photo, &watcher)?;
        check(&client, asset)?;
        say::note(format_args!(
            "  ..  {run}: answered {:.0} ms, started {:.0} ms, complete {:.0} ms, work {:.0} ms",
            ms(times.answered),
            ms(times.started),
            ms(times.ended),
            ms(times.work)
        ));
        if run > 0 {
            all.push(times);
        }
    }
    stack.stop();
    environment.clean()?;
    Ok(report(photo.len(), &all))
}

fn once(client: &Client, photo: &[u8], watcher: &Watcher) -> Result<(Times, AssetId)> {
    let size_bytes = u64::try_from(photo.len())?;
    let created = client.create("photo.jpg", "image/jpeg", size_bytes)?;
    let id = created.asset.id;
    client.put(&created.upload, size_bytes, || Ok(photo), |_| ())?;
    let called = Instant::now();
    client.complete(id)?;
    let answered = called.elapsed();
    let events = watcher.until_complete(id, PATIENCE)?;
    let first = |event_type| {
        events
            .iter()
            .find(|seen| seen.event.event_type == event_type)
    };
    let (Some(started), Some(ended)) = (
        first(EventType::ProcessingStarted),
        first(EventType::ProcessingComplete),
    ) else {
        bail!("{id} has no event of its start");
    };
    let work_ms = ended.event.time.ms_since(started.event.time);
    let times = Times {
        answered,
        started: started.at.duration_since(called),
        ended: ended.at.duration_since(called),
        work: Duration::from_millis(work_ms),
    };
    Ok((times, id))
}

/// Downloads and checks every output: fast and wrong is not a result.
fn check(client: &Client, id: AssetId) -> Result<()> {
    let asset = client.asset(id)?;
    let (state, outputs) = (asset.state, asset.outputs.len());
    if state != AssetState::Ready || outputs != OUTPUTS {
        bail!("{id} is {state} with {outputs} outputs");
    }
    for output in &asset.outputs {
        for file in client.download_output(output)? {
            if file.bytes.get(8..12) != Some(b"WEBP".as_slice()) {
                bail!("{} is not a WebP file", file.url);
            }
        }
    }
    Ok(())
}

fn report(size_bytes: usize, all: &[Times]) -> String {
    let mut table = Table::new(&[
        "from the call of `complete` to",
        "median",
        "max",
        "goal (median)",
    ]);
    let mut row = |name: &str, time: fn(&Times) -> Duration, goal: &str| {
        let times: Vec<Duration> = all.iter().map(time).collect();
        table.row([
            name.to_owned(),
            format!("{:.0} ms", ms(median(&times))),
            format!("{:.0} ms", ms(percentile(&times, 100))),
            goal.to_owned(),
        ]);
    };
    row("its response", |times| times.answered, "");
    row("event `processing_started`", |times| times.started, "");
    let goal = format!("≤ {:.0} ms", ms(GOAL));
    row("event `processing_complete`", |times| times.ended, &goal);
    let after = |times: &Times| times.ended.saturating_sub(times.answered);
    row("the same, from the response", after, "");
    row(
        "processing time, by event timestamps",
        |times| times.work,
        "",
    );
    format!(
        "### Waiting for a photo\n\nA JPEG of 12 megapixels ({:.1} MB) on an idle local stack: {} photos, one after the other, after \
         one warm-up photo. Wall time at a client with an open event stream. Every output is fetched and checked. There is no \
         peer, so these figures are valid for this machine only.\n\n{}",
        float(size_bytes) / 1e6,
        all.len(),
        table.markdown()
    )
}
