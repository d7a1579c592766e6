//! The benchmarks of Ferrotype, as `cargo xtask bench` runs them: tables against peers measured in the same run.

mod api;
mod environment;
mod events;
mod image;
mod report;
mod video;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use xtask::paths::Paths;
use xtask::{cli, say, stack};

use crate::report::{machine, page};

/// Measure against peers.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask bench",
    bin_name = "cargo xtask bench",
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

/// What to measure.
#[derive(Debug, Subcommand)]
enum What {
    /// The codec module against other image libraries.
    Image(Output),
    /// From `complete` to the event that announces the outputs.
    Events(events::Options),
    /// A video through a native worker, against bare ffmpeg and Shaka Streamer.
    Video(video::Options),
    /// Registering files, against a bare Worker on the same database.
    Api(api::Options),
    /// Kill the processes of a stack once stdin ends.
    #[command(name = stack::reaper::COMMAND, hide = true)]
    Reap {
        /// The mark of the processes.
        mark: String,
    },
}

/// Where a table goes.
#[derive(Debug, Clone, Copy, Args)]
struct Output {
    /// Put the table into docs/benchmarks.md, in place of the one before.
    #[arg(long)]
    write: bool,
}

fn main() -> ExitCode {
    cli::exit_code(run(&Cli::parse().what))
}

fn run(what: &What) -> Result<()> {
    let paths = Paths::find()?;
    let (name, output, text) = match what {
        What::Reap { mark } => return stack::reaper::run(mark),
        What::Image(output) => ("image", output, image::run(&paths)?),
        What::Events(options) => ("events", &options.output, events::run(&paths, options)?),
        What::Video(options) => ("video", &options.output, video::run(&paths, options)?),
        What::Api(options) => ("api", &options.output, api::run(&paths, options)?),
    };
    let section = format!("{}\n\n{}", text.trim(), machine::describe(&paths)?);
    say::line(format_args!("\n{section}"));
    if output.write {
        page::replace(&paths.root.join("docs/benchmarks.md"), name, &section)?;
    }
    Ok(())
}
