//! `cargo xtask bench events`: how long somebody who watches waits, from `complete` to the event that all outputs of a
//! 12 megapixel photo are there.

mod photo;

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use shared::asset::AssetState;
use shared::event::{Event, EventType};
use shared::id::AssetId;

use crate::Output;
use crate::environment::{Environment, TENANT};
use crate::report::stats::{float, median, ms, percentile};
use crate::report::table::Table;
use xtask::client::Client;
use xtask::paths::Paths;
use xtask::say;

/// Longest wait for the end of one photo.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two photos: nothing of the one before is under way.
const PAUSE: Duration = Duration::from_millis(700);
/// The outputs of an image.
const OUTPUTS: usize = 4;
/// What is aimed at.
const GOAL: Duration = Duration::from_secs(1);

/// How to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Photos that are measured, after one that is not.
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
    /// From the start to the end of the work, by the events' own times.
    work: Duration,
}

/// An event with the time at which the client had it.
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) event: Event,
}

/// Runs it; gives the table.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<String> {
    let photo = photo::twelve_megapixels(paths)?;
    let bench = Environment::new(paths, "events")?;
    let stack = bench.stack(&paths.root, "ours")?;
    let client = Client::of(paths, stack.origin(), TENANT, "watcher")?;
    let seen = watch(&client)?;
    let mut all = Vec::new();
    for run in 0..=options.runs {
        bench.stop.check()?;
        std::thread::sleep(PAUSE);
        let (times, asset) = once(&client, &photo, &seen)?;
        check(&client, asset)?;
        say::note(format_args!(
            "  ..  {run}: answered {:.0} ms, begun {:.0} ms, complete {:.0} ms, work {:.0} ms",
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
    bench.clean()?;
    Ok(report(photo.len(), &all))
}

/// Holds the stream open in a thread of its own; returns once it has begun.
pub(crate) fn watch(client: &Client) -> Result<Receiver<Result<Seen>>> {
    let mut events = client.events(None)?;
    // The snapshot: from here on nothing is missed.
    events.next().context("the event stream is empty")??;
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for event in events {
            let at = Instant::now();
            let seen = match event.map(|event| serde_json::from_str(&event.data)) {
                Ok(Ok(event)) => Ok(Seen { at, event }),
                // Not an event of a job, but a snapshot.
                Ok(Err(_)) => continue,
                Err(error) => Err(error),
            };
            if sender.send(seen).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

fn once(client: &Client, photo: &[u8], seen: &Receiver<Result<Seen>>) -> Result<(Times, AssetId)> {
    let size_bytes = u64::try_from(photo.len())?;
    let created = client.create("photo.jpg", "image/jpeg", size_bytes)?;
    let id = created.asset.id;
    client.put(&created.upload, size_bytes, || Ok(photo))?;
    let called = Instant::now();
    client.complete(id)?;
    let mut times = Times {
        answered: called.elapsed(),
        ..Times::default()
    };
    let mut begun = None;
    loop {
        let left = PATIENCE.saturating_sub(called.elapsed());
        let Seen { at, event } = seen
            .recv_timeout(left)
            .context("the end of the photo was not heard")??;
        if event.asset_id != id {
            continue;
        }
        let since = at.duration_since(called);
        if event.event_type == EventType::ProcessingStarted {
            times.started = since;
            begun = Some(event.time);
        } else if event.event_type == EventType::ProcessingComplete {
            times.ended = since;
            let work_ms = begun.map_or(0, |begun| event.time.ms_since(begun));
            times.work = Duration::from_millis(work_ms);
            return Ok((times, id));
        } else if event.event_type.ends_job() || event.error.is_some() {
            bail!("the photo ended with {}", event.event_type);
        }
    }
}

/// Fast and wrong is not a result.
fn check(client: &Client, id: AssetId) -> Result<()> {
    let asset = client.asset(id)?;
    if asset.state != AssetState::Ready || asset.outputs.len() != OUTPUTS {
        bail!(
            "{id} is {} with {} outputs",
            asset.state,
            asset.outputs.len()
        );
    }
    for output in &asset.outputs {
        let bytes = client.download(&output.url)?;
        let is_whole = u64::try_from(bytes.len())? == output.size_bytes;
        if !is_whole || bytes.get(8..12) != Some(b"WEBP".as_slice()) {
            bail!("{} is not the WebP file that it should be", output.url);
        }
    }
    Ok(())
}

fn report(size_bytes: usize, all: &[Times]) -> String {
    let mut table = Table::new(&[
        "from `complete` called to",
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
    row("its answer", |times| times.answered, "");
    row("event `processing_started`", |times| times.started, "");
    let goal = format!("≤ {:.0} ms", ms(GOAL));
    row("event `processing_complete`", |times| times.ended, &goal);
    let after = |times: &Times| times.ended.saturating_sub(times.answered);
    row("the same, since the answer", after, "");
    row(
        "the work in it, by the events' times",
        |times| times.work,
        "",
    );
    format!(
        "### Waiting for a photo\n\nA JPEG of 12 megapixels ({:.1} MB), {} photos one after the other on an idle local stack \
         after one that is not counted; wall time at a client that holds the event stream open. Every output is fetched and \
         checked. There is no peer: these are bare figures of this machine.\n\n{}",
        float(size_bytes) / 1e6,
        all.len(),
        table.markdown()
    )
}
