//! `cargo xtask demo`: uploads files to a fresh stack and shows every event as it arrives.

mod clip;
mod input;
mod player;
mod report;
mod state;
mod view;

use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use client::Client;
use client::transfer::{self, Progress};
use fs_err as fs;
use shared::api::Playback;

use self::input::Source;
use self::view::View;
use crate::build::{self, Artefact, Profile, native};
use crate::paths::Paths;
use crate::run::Background;
use crate::stack::process_age;
use crate::stack::stop::{Stop, Stopped};
use crate::stack::{self, Stack};
use crate::{dev, say, setup, token};

/// A photo with an EXIF rotation: the variants show it upright.
const PHOTO: &str = "tests/fixtures/photo.jpg";

/// Without any update for this long, the demo fails and names the files that are missing.
const SILENCE_MAX: Duration = Duration::from_mins(2);

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Files to process: images, video, audio; a photo and a clip if none is named.
    files: Vec<PathBuf>,
    /// Keep the stack running afterwards until Ctrl-C, so that the URLs still work (the default on a terminal).
    #[arg(long, conflicts_with = "no_keep")]
    keep: bool,
    /// Stop the stack when everything is printed (the default if stdout is not a terminal).
    #[arg(long)]
    no_keep: bool,
}

/// Runs the demo.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    let named = input::check(&options.files)?;
    build::announce(
        paths,
        &[Artefact::Edge, Artefact::Codec, Artefact::NativeWorker],
    )?;
    let tools = build::ensure(paths, setup::For::Stack, Profile::Local)?;
    let stop = Stop::listen()?;
    let home = paths.private.join("demo");
    state::sweep(&home)?;
    let folder = home.join(format!("run-{}", std::process::id()));
    let keep = keeps(options);
    let options = stack::Options {
        port: 0,
        state: folder.clone(),
        vars: Vec::new(),
        profile: Profile::Local,
        worker_vars: Vec::new(),
    };
    let result = Stack::start(&paths.root, paths, &tools, &options, &stop)
        .and_then(|stack| Session::new(paths, stack, &stop)?.run(named, keep));
    let result = match result {
        Err(error) if error.is::<Stopped>() => Ok(()),
        result => result,
    };
    // The state is useless without its stack, and the outputs are saved elsewhere. After a failure the logs remain until the
    // next run.
    if result.is_ok() && folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    result
}

fn keeps(options: &Options) -> bool {
    use std::io::IsTerminal as _;
    options.keep || (!options.no_keep && std::io::stdout().is_terminal())
}

/// One run of the demo.
struct Session<'a> {
    paths: &'a Paths,
    stack: Stack,
    client: Client,
    stop: &'a Stop,
}

impl<'a> Session<'a> {
    fn new(paths: &'a Paths, stack: Stack, stop: &'a Stop) -> Result<Self> {
        let client = token::client(paths, stack.origin(), "demo", "demo-user")?;
        Ok(Self {
            paths,
            stack,
            client,
            stop,
        })
    }

    fn run(mut self, named: Vec<Source>, keep: bool) -> Result<()> {
        let result = self.show(named);
        if keep && let Ok(played) = &result {
            self.keep(played)?;
        } else if result.is_ok() {
            say::line(
                "\nEvery URL was fetched. They work while the stack runs, which stops now; --keep leaves it running.",
            );
        }
        self.stack.stop();
        result.map(drop)
    }

    /// Processes the named files, or a photo and a clip: the photo does not wait for the build of the native worker. Returns what
    /// can be played.
    fn show(&mut self, named: Vec<Source>) -> Result<Vec<(String, Playback)>> {
        let (paths, mark) = (self.paths.clone(), self.stack.mark_of_builds());
        let worker = Background::start(move || native::ensure(&paths, Profile::Local, Some(mark)));
        let mut sources = named;
        if sources.is_empty() {
            self.process(&input::check(&[self.paths.root.join(PHOTO)])?)?;
            say::note(format_args!(
                "  ok  the photo: {} after the start",
                say::seconds(process_age())
            ));
            sources = input::check(&[clip::bundled(self.paths)?])?;
        }
        while !worker.has_ended() {
            self.stop.check()?;
            self.stack.look(self.stop)?;
            std::thread::sleep(dev::LOOK_INTERVAL);
        }
        self.stack.add_workers(worker.join()?, 1, self.stop)?;
        let played = self.process(&sources)?;
        say::note(format_args!(
            "  ok  everything: {} after the start",
            say::seconds(process_age())
        ));
        Ok(played)
    }

    fn keep(&mut self, played: &[(String, Playback)]) -> Result<()> {
        say::line(format_args!(
            "\nThe URLs work while the stack runs: {}",
            self.client.origin()
        ));
        if !played.is_empty() {
            let url = player::serve(self.paths, played)?;
            say::line(format_args!("Watch it in a browser: {url}"));
        }
        say::line("Press Ctrl-C to stop.");
        dev::watch(&mut self.stack, self.stop)
    }

    /// Uploads the files, follows their events until each is ready or has failed, and reports on them.
    fn process(&mut self, sources: &[Source]) -> Result<Vec<(String, Playback)>> {
        let files: Vec<_> = sources.iter().map(|source| source.file.clone()).collect();
        let updates = transfer::start(&self.client, &files)?;
        let view = View::new(sources);
        let mut progress = Progress::new(sources.len());
        let mut last_update = Instant::now();
        while !progress.is_complete() {
            self.stop.check()?;
            match updates.recv_timeout(Duration::from_millis(100)) {
                Ok(update) => {
                    last_update = Instant::now();
                    view.show(&update, &progress);
                    progress.note(update)?;
                }
                Err(RecvTimeoutError::Timeout) => self.stack.look(self.stop)?,
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the event stream and the uploads have both ended")
                }
            }
            if last_update.elapsed() > SILENCE_MAX {
                bail!(
                    "no update for {} s while waiting for: {}",
                    SILENCE_MAX.as_secs(),
                    names(sources, &progress.open()).join(", ")
                );
            }
        }
        view.finish();
        self.report(sources, &progress)
    }

    /// Prints the outputs, checks each URL and saves each file; an error if any asset is not ready. Returns what can be played.
    fn report(&self, sources: &[Source], progress: &Progress) -> Result<Vec<(String, Playback)>> {
        let (client, out) = (&self.client, self.paths.private.join("demo/out"));
        let (mut played, mut failed) = (Vec::new(), Vec::new());
        for (index, source) in sources.iter().enumerate() {
            match progress.outcome(index) {
                Ok((asset_id, took)) => {
                    let asset = client.asset(asset_id)?;
                    report::heading(source, &asset, took);
                    report::outputs(client, &asset, &out.join(&source.stem))?;
                    if source.file.is_played() {
                        let playback = report::playback(client, source, &asset)?;
                        played.push((source.file.name.clone(), playback));
                    }
                }
                Err(reason) => failed.push(format!("{}: {reason}", source.file.name)),
            }
        }
        if failed.is_empty() {
            return Ok(played);
        }
        bail!(
            "{} of {} files did not become ready\n{}",
            failed.len(),
            sources.len(),
            failed.join("\n")
        )
    }
}

fn names<'a>(sources: &'a [Source], indices: &[usize]) -> Vec<&'a str> {
    let sources = indices.iter().filter_map(|index| sources.get(*index));
    sources.map(|source| source.file.name.as_str()).collect()
}
