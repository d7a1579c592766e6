//! `cargo xtask bench`: builds and runs the benchmarks, a crate of its own, so that no other command waits for it.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::paths::Paths;
use crate::run;

/// What the program of the benchmarks gets to see.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Options {
    /// What to measure, with its options: `cargo xtask bench --help` lists them.
    #[arg(
        value_name = "WHAT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    words: Vec<OsString>,
}

/// Becomes the program of the benchmarks: signals reach it and its exit code is this command's.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    let mut cargo = run::cargo(&paths.root);
    // Paths among the words are relative to where the user stands.
    cargo
        .current_dir(env::current_dir().context("there is no current folder")?)
        .args(["run", "--quiet", "--package", "bench", "--manifest-path"])
        .arg(paths.root.join("Cargo.toml"))
        .arg("--")
        .args(&options.words)
        .env("CARGO_TARGET_DIR", &paths.target);
    Err(cargo.exec()).context("cannot start cargo")
}
