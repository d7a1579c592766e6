//! `cargo xtask check`: everything that can be checked without running it. A tool's output is shown only if it fails.

mod dependencies;
mod size;

use std::process::Command;

use anyhow::{Result, bail};

use crate::build::{self, Profile};
use crate::paths::Paths;
use crate::setup::{WASM_TARGET, cargo_deny};
use crate::{run, say, setup};

/// Runs every check; fails if one did.
pub(crate) fn run(paths: &Paths) -> Result<()> {
    // The sizes that count are those of what is deployed.
    build::ensure(paths, setup::For::Build, Profile::Release)?;
    let cargo = |arguments: &str| {
        let mut cargo = run::cargo(&paths.root);
        cargo.args(arguments.split(' '));
        cargo
    };
    let wasm = format!("clippy --quiet --lib --target {WASM_TARGET} -p shared -p imaging -p edge");
    let mut deny = Command::new(cargo_deny::ensure(paths)?);
    deny.current_dir(&paths.root)
        .args("--log-level error check bans licenses sources".split(' '));
    let mut failures = Vec::new();
    let mut check = |title: &'static str, work: &mut dyn FnMut() -> Result<()>| {
        if let Err(error) = say::step(title, work) {
            say::note(format_args!("{error:#}\n"));
            failures.push(title);
        }
    };
    check("format", &mut || {
        quiet(&mut cargo("fmt --all --check -- --files-with-diff"))
    });
    check("clippy for this machine", &mut || {
        quiet(&mut cargo("clippy --quiet --workspace --all-targets"))
    });
    check("clippy for wasm32", &mut || {
        quiet(cargo(&wasm).envs(build::c_compiler(paths)))
    });
    check("sizes", &mut || size::check(paths));
    check("dependency rules", &mut || dependencies::check(paths));
    check("features of dependencies", &mut || {
        dependencies::check_features(paths)
    });
    check("licences, bans and sources", &mut || quiet(&mut deny));
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
