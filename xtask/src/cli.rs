//! The command line of `cargo xtask`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::build::{self, Profile};
use crate::paths::Paths;
use crate::{bench, check, demo, dev, run, say, setup, stack, test, token};

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
    /// Install what the other commands need (each of them also does so itself).
    Setup,
    /// Run the whole stack locally until Ctrl-C; prints `ready: URL` when all parts answer.
    Dev(dev::Options),
    /// Upload files to a fresh stack and show every event.
    Demo(demo::Options),
    /// Run every test: units, and the black-box stories over real stacks.
    Test(test::Options),
    /// Build the edge as it is deployed: `edge/build/` and `edge/imaging.wasm`.
    Build,
    /// Check format, lints, sizes, dependency rules and licences.
    Check,
    /// Write the generated files: docs/openapi.json and the README's table of operations.
    Gen,
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

/// Runs the command that this process was called with.
pub fn main() -> ExitCode {
    exit_code(dispatch(Cli::parse().command))
}

/// The exit code of a command with this result; an error is written to stderr.
pub fn exit_code(result: Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    if let Some(error) = error.downcast_ref::<clap::Error>() {
        say::note(error.to_string().trim_end());
        return ExitCode::from(2);
    }
    say::note(format_args!("error: {error:#}"));
    ExitCode::FAILURE
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
        Command::Build => build::ensure(&paths, setup::For::Build, Profile::Release).map(drop),
        Command::Check => check::run(&paths),
        Command::Gen => generate(&paths),
        Command::Bench(options) => bench::run(&paths, &options),
        Command::Token(options) => token::run(&paths, &options),
        Command::Reap { .. } => Ok(()),
    }
}

/// The tests that compare the generated files with the contract table write them with this variable.
fn generate(paths: &Paths) -> Result<()> {
    let mut cargo = run::cargo(&paths.root);
    cargo
        .args("test --package shared --test it openapi".split(' '))
        .env("UPDATE", "1");
    run::step("writing the generated files", &mut cargo)
}
