//! `cargo xtask bench`: builds and runs the benchmarks. They are a crate of their own, so that no other command waits for it.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::paths::Paths;
use crate::run;

/// Name of the program, and of its package.
const PROGRAM: &str = "bench";

/// The arguments of the benchmarks.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// What to measure, with its options: `cargo xtask bench --help` lists them.
    #[arg(
        value_name = "WHAT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    arguments: Vec<OsString>,
}

/// Becomes the program of the benchmarks, so that signals reach it and its exit code is this command's.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    let mut cargo = run::cargo(&paths.root);
    // The whole workspace is named, as everywhere, so that its dependencies are compiled with one set of features.
    cargo
        .args(["build", "--workspace", "--bin", PROGRAM])
        .env("CARGO_TARGET_DIR", &paths.target);
    run::build("building the benchmarks", &mut cargo)?;
    let program = paths.target.join("debug").join(PROGRAM);
    // In the current folder: paths among the arguments are relative to it.
    let error = Command::new(&program).args(&options.arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}
