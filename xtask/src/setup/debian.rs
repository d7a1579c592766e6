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

const fn packages(purpose: For) -> &'static [Package] {
    match purpose {
        For::Build => &[CLANG, LLVM],
        For::Stack => &[CLANG, LLVM, FFMPEG],
        For::Tests => &[CLANG, LLVM, FFMPEG, CHROMIUM],
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
    if !rustix::process::geteuid().is_root() || !run::is_installed("apt-get") {
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
    let title = format!("installing {} by apt-get", names.join(", "));
    if run::step(
        &title,
        apt_get(&["install", "-y", "--no-install-recommends"]).args(&names),
    )
    .is_ok()
    {
        return Ok(());
    }
    run::step(
        "updating the list of Debian packages",
        &mut apt_get(&["update"]),
    )?;
    run::step(
        &title,
        apt_get(&["install", "-y", "--no-install-recommends"]).args(&names),
    )
}

fn apt_get(words: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", "DPkg::Lock::Timeout=300"])
        .args(words);
    command
}
