//! `cargo xtask check`: everything that is wrong without running anything, each tool's output only when it fails.

mod dependencies;
pub(crate) mod size;

use std::process::Command;

use anyhow::{Result, bail};

use crate::paths::Paths;
use crate::say::{self, Step};
use crate::setup::{CARGO_DENY, WASM_TARGET};
use crate::{build, contract, run, setup};

/// The crates that are compiled for the edge.
const WASM_CRATES: [&str; 6] = ["-p", "shared", "-p", "imaging", "-p", "edge"];

/// Runs every check; fails when one did.
pub(crate) fn run(paths: &Paths) -> Result<()> {
    setup::ensure(paths, setup::For::Build)?;
    CARGO_DENY.ensure(paths)?;
    let mut failures = Vec::new();
    let mut check = |title: &'static str, work: &dyn Fn() -> Result<()>| {
        let step = Step::start(title);
        match work() {
            Ok(()) => step.ok(),
            Err(error) => {
                step.failed();
                say::note(format_args!("{error:#}\n"));
                failures.push(title);
            }
        }
    };
    check("format", &|| {
        quiet(run::cargo(&paths.root).args(["fmt", "--all", "--check", "--", "--files-with-diff"]))
    });
    check("clippy for this machine", &|| {
        quiet(run::cargo(&paths.root).args(["clippy", "--quiet", "--workspace", "--all-targets"]))
    });
    check("clippy for wasm32", &|| {
        let mut cargo = run::cargo(&paths.root);
        cargo
            .args(["clippy", "--quiet", "--lib", "--target", WASM_TARGET])
            .args(WASM_CRATES);
        quiet(cargo.envs(build::codec_environment(paths)))
    });
    check("generated files", &|| contract::check(paths));
    check("sizes", &|| size::check(paths));
    check("dependency rules", &|| dependencies::check(paths));
    check("licences, bans and sources", &|| {
        quiet(
            Command::new(CARGO_DENY.path(paths))
                .current_dir(&paths.root)
                .args([
                    "--log-level",
                    "error",
                    "check",
                    "bans",
                    "licenses",
                    "sources",
                ]),
        )
    });
    if failures.is_empty() {
        say::line("all checks passed");
        return Ok(());
    }
    bail!(
        "{} of 7 checks failed: {}",
        failures.len(),
        failures.join(", ")
    )
}

fn quiet(command: &mut Command) -> Result<()> {
    run::capture(command).map(drop)
}
