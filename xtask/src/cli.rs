//! The command line of `cargo xtask`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::paths::Paths;
use crate::{bench, check, contract, demo, dev, say, setup, stack, test, token};

/// The developer commands of Ferrotype.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    version,
    max_term_width = 100
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what the other commands need (each of them does so by itself).
    Setup,
    /// Run the whole stack locally until Ctrl-C; prints `ready: URL` when all parts answer.
    Dev(dev::Options),
    /// Send files through the whole path of a fresh stack and show every event.
    Demo(demo::Options),
    /// Run every test: units, and the black-box stories over real stacks.
    Test(test::Options),
    /// Check format, lints, generated files, sizes, dependency rules and licences.
    Check,
    /// Write the generated files (docs/openapi.json).
    Gen(contract::Options),
    /// Measure against peers.
    Bench(bench::Options),
    /// Print a development token, valid for 24 h, as the last line of stdout.
    Token(token::Options),
    /// Kill the processes of a stack once stdin ends.
    #[command(name = stack::reaper::COMMAND, hide = true)]
    Reap {
        /// The mark of the processes.
        mark: String,
    },
}

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    say::exit_code(dispatch(Cli::parse().command))
}

fn dispatch(command: Command) -> Result<()> {
    if let Command::Reap { mark } = &command {
        return stack::reaper::run(mark);
    }
    let paths = Paths::find()?;
    match command {
        Command::Setup => setup::ensure(&paths, setup::For::Tests)
            .map(|_| say::note("  ok  everything is set up")),
        Command::Dev(options) => dev::run(&paths, options),
        Command::Demo(options) => demo::run(&paths, &options),
        Command::Test(options) => test::run(&paths, &options),
        Command::Check => check::run(&paths),
        Command::Gen(options) => contract::run(&paths, &options),
        Command::Bench(options) => bench::run(&paths, &options),
        Command::Token(options) => token::run(&paths, &options),
        Command::Reap { .. } => Ok(()),
    }
}
