//! `cargo xtask demo`: files through the whole path of a fresh stack, every event shown as it arrives.

mod clip;
mod input;
mod player;
mod report;
mod state;
mod view;

use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use client::Client;
use client::transfer::{self, Progress};
use shared::api::Playback;

use self::input::Source;
use self::view::View;
use crate::build::native::Profile;
use crate::paths::Paths;
use crate::stack::stop::{Stop, Stopped};
use crate::stack::{self, Stack, Workers};
use crate::{build, dev, say, setup, token};

/// Without any news for this long, the demo says what it waited for and fails.
const SILENCE_MAX: Duration = Duration::from_mins(2);

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Files to process: images, video, audio; a bundled photo and a clip when none is named.
    files: Vec<PathBuf>,
    /// Keep the stack running afterwards until Ctrl-C, so that the URLs go on working (the default on a terminal).
    #[arg(long, conflicts_with = "no_keep")]
    keep: bool,
    /// Stop the stack when everything is printed (the default when stdout is no terminal).
    #[arg(long)]
    no_keep: bool,
}

/// Runs the demo.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    let mut sources = input::check(&options.files)?;
    let tools = setup::ensure(paths, setup::For::Stack)?;
    if sources.is_empty() {
        sources = input::check(&input::bundled(paths)?)?;
    }
    build::ensure(paths)?;
    let stop = Stop::listen()?;
    let home = paths.private.join("demo");
    state::sweep(&home)?;
    let folder = home.join(format!("run-{}", std::process::id()));
    let session = Session {
        paths,
        sources: &sources,
        keep: keeps(options),
    };
    let result = match session.run(&tools, folder.clone(), &stop) {
        Err(error) if error.is::<Stopped>() => Ok(()),
        result => result,
    };
    // The state is of no use without its stack; the saved variants lie elsewhere. After a failure the logs stay
    // until the next run.
    if result.is_ok() && folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
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
    sources: &'a [Source],
    keep: bool,
}

impl Session<'_> {
    fn run(&self, tools: &setup::Tools, folder: PathBuf, stop: &Stop) -> Result<()> {
        let options = stack::Options {
            port: 0,
            state: folder,
            vars: Vec::new(),
            workers: Workers::build(self.paths, Profile::Dev, 1, Vec::new())?,
        };
        let mut stack = Stack::start(self.paths, tools, &options, stop)?;
        let client = token::client(self.paths, stack.origin(), "demo", "demo-user")?;
        let progress = self.process(&client, &mut stack, stop)?;
        let result = self.report(&client, &progress);
        if self.keep
            && let Ok(films) = &result
        {
            say::line(format_args!(
                "\nThe URLs work as long as the stack runs: {}",
                client.origin()
            ));
            if !films.is_empty() {
                let url = player::serve(self.paths, films)?;
                say::line(format_args!("Watch it in a browser: {url}"));
            }
            say::line("Press Ctrl-C to stop.");
            dev::watch(&mut stack, stop)?;
        } else if result.is_ok() {
            say::line(
                "\nEvery URL was fetched and works while the stack runs, which stops now; --keep leaves it running.",
            );
        }
        stack.stop();
        result.map(drop)
    }

    /// Uploads everything and follows the stream until every asset is final.
    fn process(&self, client: &Client, stack: &mut Stack, stop: &Stop) -> Result<Progress> {
        let files: Vec<_> = self
            .sources
            .iter()
            .map(|source| source.file.clone())
            .collect();
        let updates = transfer::start(client, &files)?;
        let view = View::new(self.sources);
        let mut progress = Progress::new(self.sources.len());
        let mut news = Instant::now();
        while !progress.is_complete() {
            stop.check()?;
            match updates.recv_timeout(Duration::from_millis(100)) {
                Ok(update) => {
                    news = Instant::now();
                    view.show(&update, &progress);
                    progress.note(update)?;
                }
                Err(RecvTimeoutError::Timeout) => stack.look(stop)?,
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the event stream and the uploads have both ended")
                }
            }
            if news.elapsed() > SILENCE_MAX {
                bail!(
                    "nothing was heard for {} s while waiting for: {}",
                    SILENCE_MAX.as_secs(),
                    self.names(&progress.open()).join(", ")
                );
            }
        }
        view.finish();
        Ok(progress)
    }

    /// Prints the outputs, checks each URL, saves each file; an error when any asset is not ready. Gives what can be played.
    fn report(&self, client: &Client, progress: &Progress) -> Result<Vec<(String, Playback)>> {
        let out = self.paths.private.join("demo/out");
        let (mut films, mut failed) = (Vec::new(), Vec::new());
        for (index, source) in self.sources.iter().enumerate() {
            match progress.outcome(index) {
                Ok((asset_id, took)) => {
                    let asset = client.asset(asset_id)?;
                    report::heading(source, &asset, took);
                    report::outputs(client, &asset, &out.join(&source.stem))?;
                    if source.file.is_played() {
                        let playback = report::playback(client, source, &asset)?;
                        films.push((source.file.name.clone(), playback));
                    }
                }
                Err(reason) => failed.push(format!("{}: {reason}", source.file.name)),
            }
        }
        if failed.is_empty() {
            return Ok(films);
        }
        bail!(
            "{} of {} files did not become ready\n{}",
            failed.len(),
            self.sources.len(),
            failed.join("\n")
        )
    }

    fn names(&self, indices: &[usize]) -> Vec<&str> {
        indices
            .iter()
            .filter_map(|index| self.sources.get(*index))
            .map(|source| source.file.name.as_str())
            .collect()
    }
}
