//! The contract tester, a Python program: installed once per machine into a virtual environment in the cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::debian;
use crate::lock::Lock;
use crate::paths::Paths;
use crate::{run, stamp};

/// The packages, each with its version.
const REQUIREMENTS: &str = "tests/schemathesis/requirements.txt";

/// The oldest Python that the contract tester supports.
const PYTHON_MIN: (u32, u32) = (3, 11);

/// Letters of the requirements' digest in the name of the folder.
const DIGEST_LETTERS: usize = 12;

/// Installs the contract tester when it is absent; returns its program.
///
/// # Errors
///
/// When there is no suitable Python, or a package cannot be installed.
pub(crate) fn ensure(paths: &Paths) -> Result<PathBuf> {
    let digest = stamp::digest(&paths.root, &[REQUIREMENTS], &[])?;
    let key = digest.get(..DIGEST_LETTERS).unwrap_or(&digest);
    let folder = paths.tools.join(format!("schemathesis-{key}"));
    let program = folder.join("bin/schemathesis");
    // Written last: an interrupted installation is repeated.
    let installed = folder.join("installed");
    let is_ready = || stamp::is_fresh(&installed, &digest) && program.is_file();
    if is_ready() {
        return Ok(program);
    }
    let _lock = Lock::wait(&folder.with_extension("lock"), "schemathesis")?;
    if !is_ready() {
        install(&folder, &paths.root.join(REQUIREMENTS))?;
        stamp::write(&installed, &digest)?;
    }
    Ok(program)
}

fn install(folder: &Path, requirements: &Path) -> Result<()> {
    let version = run::capture(Command::new("python3").arg("--version"))?;
    if parse(&version).is_none_or(|found| found < PYTHON_MIN) {
        let (major, minor) = PYTHON_MIN;
        bail!(
            "the contract test needs Python {major}.{minor} or later; this machine has {}",
            version.trim()
        );
    }
    // Debian ships the module without the bundled pip that it needs, which is a package of its own.
    if run::capture(Command::new("python3").args(["-c", "import ensurepip"])).is_err() {
        debian::install(&["python3-venv"])?;
    }
    run::capture(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(folder),
    )
    .context("creating a virtual environment")?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--only-binary=:all:", "--disable-pip-version-check", "-r"])
        .arg(requirements);
    run::step("installing schemathesis (once per machine)", &mut pip)
}

/// Major and minor version from `Python 3.11.2`.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim().strip_prefix("Python ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_versions_are_compared_by_number() {
        assert_eq!(parse("Python 3.11.2\n"), Some((3, 11)));
        assert!(parse("Python 3.9.20") < Some(PYTHON_MIN));
        assert_eq!(parse("nonsense"), None);
    }
}
