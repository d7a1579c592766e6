//! Debian packages: installed when we are root, named in a message otherwise.

use std::process::Command;

use anyhow::{Result, bail};

use super::For;
use crate::run;

/// A program, the Debian package that brings it, and why it is needed.
struct Package {
    name: &'static str,
    program: &'static str,
    purpose: &'static str,
}

const CLANG: Package = Package {
    name: "clang",
    program: "clang",
    purpose: "compiles the WebP encoder to WebAssembly",
};

const LLVM: Package = Package {
    name: "llvm",
    program: "llvm-ar",
    purpose: "packs its object files",
};

const FFMPEG: Package = Package {
    name: "ffmpeg",
    program: "ffmpeg",
    purpose: "does the native worker's video and audio",
};

const CHROMIUM: Package = Package {
    name: "chromium",
    program: "chromium",
    purpose: "plays the outputs in the tests",
};

const PYTHON: Package = Package {
    name: "python3-venv",
    program: "python3",
    purpose: "runs the contract tester in the tests",
};

const fn packages(purpose: For) -> &'static [Package] {
    match purpose {
        For::Build => &[CLANG, LLVM],
        For::Stack => &[CLANG, LLVM, FFMPEG],
        For::Tests => &[CLANG, LLVM, FFMPEG, CHROMIUM, PYTHON],
    }
}

/// Installs what is missing.
pub(super) fn ensure(purpose: For) -> Result<()> {
    let missing: Vec<&Package> = packages(purpose)
        .iter()
        .filter(|package| !run::is_installed(package.program))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    if !can_install() {
        let reasons: Vec<String> = missing
            .iter()
            .map(|p| format!("  {} (the program `{}`): {}", p.name, p.program, p.purpose))
            .collect();
        bail!(
            "these programs are missing and installing them takes root:\n{}\nOn Debian: sudo apt-get install {}",
            reasons.join("\n"),
            names.join(" ")
        );
    }
    install(&names)
}

/// Installs packages by name.
///
/// # Errors
///
/// When this is not Debian, the user is not root, or apt-get fails.
pub(super) fn install(names: &[&str]) -> Result<()> {
    if !can_install() {
        bail!(
            "missing packages; on Debian: sudo apt-get install {}",
            names.join(" ")
        );
    }
    let title = format!("installing {} by apt-get", names.join(", "));
    let install = || {
        run::step(
            &title,
            apt_get(&["install", "-y", "--no-install-recommends"]).args(names),
        )
    };
    if install().is_ok() {
        return Ok(());
    }
    run::step(
        "updating the list of Debian packages",
        &mut apt_get(&["update"]),
    )?;
    install()
}

fn can_install() -> bool {
    rustix::process::geteuid().is_root() && run::is_installed("apt-get")
}

fn apt_get(words: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(words);
    command
}
