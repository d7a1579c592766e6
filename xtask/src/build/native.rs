//! The native worker. Unoptimized for the local stack, where its own code is a fraction of what ffmpeg does and the tests
//! have built it already; optimized for benchmarks, as it is shipped.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::{COMMON_INPUTS, Profile};
use crate::lock::Lock;
use crate::paths::Paths;
use crate::{run, stamp};

/// Name of the program, and of its package.
pub(crate) const PROGRAM: &str = "native-worker";

impl Profile {
    /// Cargo's name of the profile of native programs.
    const fn name(self) -> &'static str {
        match self {
            Self::Local => "dev",
            Self::Release => "native",
        }
    }

    /// Where the program is once built.
    fn program(self, paths: &Paths) -> PathBuf {
        let folder = match self {
            Self::Local => "debug",
            Self::Release => "native",
        };
        paths.target.join(folder).join(PROGRAM)
    }
}

/// Builds the program when it is not fresh; where it is.
pub(crate) fn ensure(
    paths: &Paths,
    profile: Profile,
    variable: Option<(&str, String)>,
) -> Result<PathBuf> {
    let mut cargo = run::cargo(&paths.root);
    cargo.envs(variable);
    // The whole workspace is named so that the dependencies get the same features as in a build of the tests: the SDK is
    // compiled once.
    cargo.args([
        "build",
        "--workspace",
        "--bin",
        PROGRAM,
        "--profile",
        profile.name(),
    ]);
    ensure_by(paths, profile, |paths| {
        cargo.env("CARGO_TARGET_DIR", &paths.target);
        run::build("building the native worker", &mut cargo)
    })
}

/// As [`ensure`], with a command that builds the program among other things, its output on this terminal.
pub(crate) fn ensure_within(paths: &Paths, cargo: &mut Command) -> Result<()> {
    ensure_by(paths, Profile::Local, |paths| {
        run::foreground(cargo.env("CARGO_TARGET_DIR", &paths.target))
    })
    .map(drop)
}

fn ensure_by(
    paths: &Paths,
    profile: Profile,
    build: impl FnOnce(&Paths) -> Result<()>,
) -> Result<PathBuf> {
    let _lock = Lock::wait(&paths.private.join("build.lock"), "a build")?;
    let inputs = [
        &[
            "native-worker",
            "imaging",
            "shared/src",
            "shared/Cargo.toml",
        ][..],
        &COMMON_INPUTS,
    ]
    .concat();
    let program = profile.program(paths);
    let digest = stamp::digest(&paths.root, &inputs, &[&program.to_string_lossy()])?;
    let file = paths
        .private
        .join("stamps")
        .join(format!("native-worker-{}", profile.word()));
    if stamp::is_fresh(&file, &digest) && program.is_file() {
        return Ok(program);
    }
    build(paths)?;
    if !program.is_file() {
        bail!(
            "cargo has built no {}: is CARGO_BUILD_TARGET set? Unset it",
            program.display()
        );
    }
    stamp::write(&file, &digest)?;
    Ok(program)
}
