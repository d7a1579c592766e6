//! Debian packages: installed if the user is root, named in an error otherwise.

use std::process::Command;

use anyhow::{Result, bail};

use super::For;
use crate::run;

/// A Debian package, the program that it brings, and what that is needed for.
type Package = (&'static str, &'static str, &'static str);

const PACKAGES: [Package; 5] = [
    ("clang", "clang", "compiles the WebP encoder to WebAssembly"),
    ("llvm", "llvm-ar", "archives its object files"),
    (
        "ffmpeg",
        "ffmpeg",
        "converts video and audio for the native worker",
    ),
    ("chromium", "chromium", "plays the outputs in the tests"),
    (
        "python3-venv",
        "python3",
        "runs the contract tester in the tests",
    ),
];

/// Installs what is missing.
pub(super) fn ensure(purpose: For) -> Result<()> {
    let needed = match purpose {
        For::Build => 2,
        For::Stack => 3,
        For::Tests => PACKAGES.len(),
    };
    let is_missing = |(_, program, _): &&Package| !run::is_installed(program);
    let missing: Vec<&Package> = PACKAGES.iter().take(needed).filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let reasons = missing
        .iter()
        .map(|(name, program, purpose)| format!("  {name} (the program `{program}`): {purpose}"));
    let reasons = reasons.collect::<Vec<_>>().join("\n");
    let names: Vec<&str> = missing.iter().map(|(name, ..)| *name).collect();
    install(&names, &format!("these programs are missing:\n{reasons}\n"))
}

/// Installs packages by name; `problem` begins the error if that is impossible.
pub(super) fn install(names: &[&str], problem: &str) -> Result<()> {
    if !rustix::process::geteuid().is_root() || !run::is_installed("apt-get") {
        bail!(
            "{problem}Installing needs root. On Debian: sudo apt-get install {}",
            names.join(" ")
        );
    }
    let title = format!("installing {} by apt-get", names.join(", "));
    let install = || {
        let mut command = apt_get("install -y --no-install-recommends");
        run::step(&title, command.args(names))
    };
    if install().is_ok() {
        return Ok(());
    }
    run::step(
        "updating the list of Debian packages",
        &mut apt_get("update"),
    )?;
    install()
}

fn apt_get(arguments: &str) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(arguments.split(' '));
    command
}
