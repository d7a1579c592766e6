//! Python programs, each installed once per machine into a virtual environment in the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::debian;
use crate::lock::Lock;
use crate::paths::Paths;
use crate::{run, stamp};

/// The contract tester and its dependencies, each with its version.
const REQUIREMENTS: &str = "tests/schemathesis/requirements.txt";

/// The oldest Python that the contract tester supports.
const PYTHON_MIN: (u32, u32) = (3, 11);

/// Digits of the digest in the name of a folder.
const DIGEST_DIGITS: usize = 12;

/// Installs the contract tester if it is missing; returns its program.
pub(crate) fn contract_tester(paths: &Paths) -> Result<PathBuf> {
    let digest = stamp::digest(&paths.root, &[REQUIREMENTS], &[])?;
    let requirements = paths.root.join(REQUIREMENTS);
    let requirements = requirements.to_string_lossy();
    let pip = ["--no-deps", "--only-binary=:all:", "-r", &requirements];
    Ok(ensure(paths, "schemathesis", &digest, &pip)?.join("bin/schemathesis"))
}

/// Installs `packages` (`NAME==VERSION`) if they are missing; returns the folder of their virtual environment.
///
/// # Errors
///
/// When there is no suitable Python, or a package cannot be installed.
pub fn packages(paths: &Paths, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let digest = stamp::digest(&paths.root, &[], packages)?;
    ensure(paths, name, &digest, packages)
}

fn ensure(paths: &Paths, name: &str, digest: &str, pip: &[&str]) -> Result<PathBuf> {
    let key = digest.get(..DIGEST_DIGITS).unwrap_or(digest);
    let folder = paths.tools.join(format!("{name}-{key}"));
    // Written last: an interrupted installation is repeated.
    let installed = folder.join("installed");
    if stamp::is_fresh(&installed, digest) {
        return Ok(folder);
    }
    let _lock = Lock::wait(&folder.with_extension("lock"), name)?;
    if stamp::is_fresh(&installed, digest) {
        return Ok(folder);
    }
    let version = run::capture(Command::new("python3").arg("--version"))?;
    if run::version(&version) < Some(PYTHON_MIN) {
        let (major, minor) = PYTHON_MIN;
        let version = version.trim();
        bail!("{name} needs Python {major}.{minor} or later; this machine has {version}");
    }
    // Debian has the module without the bundled pip that it needs, which is a package of its own.
    if run::capture(Command::new("python3").args(["-c", "import ensurepip"])).is_err() {
        debian::install(&["python3-venv"], "python3 has no ensurepip. ")?;
    }
    let mut venv = Command::new("python3");
    run::capture(venv.args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut command = Command::new(folder.join("bin/python"));
    command
        .args("-m pip install --quiet --disable-pip-version-check".split(' '))
        .args(pip);
    run::step(
        &format!("installing {name} (once per machine)"),
        &mut command,
    )?;
    stamp::write(&installed, digest)?;
    Ok(folder)
}
