//! `cargo xtask test`: every test, the black-box stories over real stacks among them.

use std::env;
use std::num::NonZero;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::paths::Paths;
use crate::{build, check, run, setup};

/// Tests that run at a time, for each core: most stories wait longer than they compute.
const THREADS_PER_CORE: usize = 2;

/// Which tests.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only tests whose name contains this.
    filter: Option<String>,
    /// More for the test programs, for example `-- --nocapture`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds what the tests run against, then runs them all; cargo's own summary lines come last.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    setup::ensure(paths, setup::For::Tests)?;
    build::ensure(paths)?;
    // All programs at once, the native worker that the stacks run among them.
    let mut programs = run::cargo(&paths.root);
    programs.args(["test", "--workspace", "--no-run"]);
    build::native::ensure_within(paths, &mut programs)?;
    // Here, because on a fresh clone `check` comes before anything is built. The tests run all the same.
    let sizes = check::size::check(paths);
    let mut cargo = run::cargo(&paths.root);
    cargo
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(&options.filter);
    if !options.rest.is_empty() {
        cargo.arg("--").args(&options.rest);
    }
    // The stories start their stacks with this very program.
    cargo.env(
        "FERROTYPE_XTASK",
        env::current_exe().context("cannot find the program of xtask")?,
    );
    cargo.env(
        "FERROTYPE_SCHEMATHESIS",
        setup::python::contract_tester(paths)?,
    );
    if env::var_os("RUST_TEST_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        cargo.env("RUST_TEST_THREADS", (THREADS_PER_CORE * cores).to_string());
    }
    run::foreground(&mut cargo)?;
    sizes
}
