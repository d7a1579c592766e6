//! `cargo xtask bench`: tables against peers measured in the same run.

mod api;
mod client;
mod events;
mod image;
mod load;
mod machine;
mod page;
mod photo;
mod stats;
mod table;
mod video;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use crate::paths::Paths;
use crate::say;
use crate::stack::Stack;
use crate::stack::stop::Stop;
use crate::{build, setup, stack};

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// The codec module against other image libraries.
    Image(Output),
    /// From `complete` to the event that the outputs are there.
    Events(events::Options),
    /// A film through a native worker, against bare ffmpeg and Shaka Streamer.
    Video(video::Options),
    /// Registering files, against a bare Worker on the same database.
    Api(api::Options),
}

/// Where a table goes.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// Put the table into docs/benchmarks.md, in place of the one before.
    #[arg(long)]
    write: bool,
}

/// Runs one benchmark.
pub(crate) fn run(paths: &Paths, what: &What) -> Result<()> {
    let (name, output, text) = match what {
        What::Image(output) => ("image", output, image::run(paths)?),
        What::Events(options) => ("events", &options.output, events::run(paths, options)?),
        What::Video(options) => ("video", &options.output, video::run(paths, options)?),
        What::Api(options) => ("api", &options.output, api::run(paths, options)?),
    };
    let section = format!("{}\n\n{}", text.trim(), machine::describe(paths)?);
    say::line(format_args!("\n{section}"));
    if output.write {
        page::replace(&paths.root.join("docs/benchmarks.md"), name, &section)?;
    }
    Ok(())
}

/// What the benchmarks of a stack have at hand.
struct Bench<'a> {
    paths: &'a Paths,
    tools: setup::Tools,
    stop: Stop,
    folder: PathBuf,
}

impl<'a> Bench<'a> {
    /// Sets up and builds.
    fn new(paths: &'a Paths, name: &str) -> Result<Self> {
        let tools = setup::ensure(paths, setup::For::Stack)?;
        build::ensure(paths)?;
        let folder = paths
            .private
            .join("bench")
            .join(format!("{name}-{}", std::process::id()));
        Ok(Self {
            paths,
            tools,
            stop: Stop::listen()?,
            folder,
        })
    }

    /// A fresh stack of the wrangler files in `scripts`, on a state of its own.
    fn stack(&self, scripts: &Path, state: &str) -> Result<Stack> {
        let options = stack::Options {
            port: 0,
            state: self.folder.join(state),
            vars: Vec::new(),
            workers: stack::Workers::default(),
        };
        self.start(scripts, &options)
    }

    /// A fresh stack, as `options` say.
    fn start(&self, scripts: &Path, options: &stack::Options) -> Result<Stack> {
        Stack::start_in(scripts, self.paths, &self.tools, options, &self.stop)
    }

    /// Removes the states; after a failure they stay, with their logs.
    fn clean(&self) -> Result<()> {
        fs::remove_dir_all(&self.folder)
            .with_context(|| format!("cannot remove {}", self.folder.display()))
    }
}
