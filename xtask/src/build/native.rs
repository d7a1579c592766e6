//! The native worker. Unoptimized for the local stack: its own code does a fraction of the work there, and the tests need the
//! same build. Optimized for benchmarks, as it is shipped.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::{Artefact, Profile};
use crate::lock::Lock;
use crate::paths::Paths;
use crate::run;

/// Name of the program, and of its package.
pub(crate) const PROGRAM: &str = "native-worker";

/// Builds the program if it is stale, with `variable` in the environment of the build; returns its path.
///
/// # Errors
///
/// When the build fails.
pub fn ensure(
    paths: &Paths,
    profile: Profile,
    variable: Option<(&str, String)>,
) -> Result<PathBuf> {
    // The whole workspace is named so that the dependencies get the same features as in a build of the tests: they are
    // compiled once.
    let mut cargo = run::cargo(&paths.root);
    cargo
        .args(["build", "--workspace", "--bin", PROGRAM])
        .args(match profile {
            Profile::Local => ["--profile", "dev"],
            Profile::Release => ["--profile", "native"],
        })
        .env("CARGO_TARGET_DIR", &paths.target)
        .envs(variable);
    let title = Artefact::NativeWorker.title();
    ensure_by(paths, profile, || run::build(title, &mut cargo))
}

/// As [`ensure`], with a command that builds the program among other things, its output on this terminal.
pub(crate) fn ensure_within(paths: &Paths, cargo: &mut Command) -> Result<()> {
    cargo.env("CARGO_TARGET_DIR", &paths.target);
    ensure_by(paths, Profile::Local, || run::foreground(cargo)).map(drop)
}

fn ensure_by(
    paths: &Paths,
    profile: Profile,
    build: impl FnOnce() -> Result<()>,
) -> Result<PathBuf> {
    let _lock = Lock::wait(&paths.private.join("build.lock"), "a build")?;
    let program = Artefact::NativeWorker.output(paths, profile);
    let Some(digest) = Artefact::NativeWorker.stale(paths, profile)? else {
        return Ok(program);
    };
    build()?;
    if !program.is_file() {
        bail!(
            "cargo did not build {}: unset CARGO_BUILD_TARGET if it is set",
            program.display()
        );
    }
    Artefact::NativeWorker.built(paths, profile, &digest)?;
    Ok(program)
}
