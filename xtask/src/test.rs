//! `cargo xtask test`: every test, including the black-box stories over real stacks.

use std::env;
use std::num::NonZero;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::build::{self, Profile};
use crate::paths::Paths;
use crate::{run, setup};

/// Tests that run at a time per core: most stories wait longer than they compute.
const THREADS_PER_CORE: usize = 2;

/// Which tests.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Run only tests whose name contains this.
    filter: Option<String>,
    /// Run the stories and the tests of the codec on the modules as they are deployed, fully optimized. Their build takes
    /// minutes. This is the default once they are built (`build`, `check`).
    #[arg(long)]
    release_edge: bool,
    /// Further arguments for the test programs, for example `-- --nocapture`.
    #[arg(last = true)]
    rest: Vec<String>,
}

/// Builds what the tests need, then runs them all; cargo's own summary comes last.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    // The modules that are deployed are preferred if they are built already: in the pipeline `check` builds them.
    let is_release = options.release_edge || build::has_fresh_modules(paths, Profile::Release)?;
    let profile = Profile::of(is_release);
    build::ensure(paths, setup::For::Tests, profile)?;
    // All programs at once, including the native worker that the stacks run.
    let mut programs = run::cargo(&paths.root);
    programs.args(["test", "--workspace", "--no-run"]);
    build::native::ensure_within(paths, &mut programs)?;
    let mut cargo = run::cargo(&paths.root);
    cargo
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(&options.filter);
    if !options.rest.is_empty() {
        cargo.arg("--").args(&options.rest);
    }
    // The stories start their stacks with this program.
    cargo
        .env(
            "FERROTYPE_XTASK",
            env::current_exe().context("cannot find the program of xtask")?,
        )
        .env(
            "FERROTYPE_IMAGING_WASM",
            profile.edge(paths).join("imaging.wasm"),
        )
        .env(
            "FERROTYPE_SCHEMATHESIS",
            setup::python::contract_tester(paths)?,
        );
    if is_release {
        cargo.env("FERROTYPE_RELEASE_EDGE", "1");
    }
    if env::var_os("RUST_TEST_THREADS").is_none() {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        cargo.env("RUST_TEST_THREADS", (THREADS_PER_CORE * cores).to_string());
    }
    run::foreground(&mut cargo)
}
