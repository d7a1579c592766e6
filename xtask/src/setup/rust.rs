//! The wasm32 target of the pinned toolchain.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::paths::Paths;
use crate::run;

/// The target of the edge script and of the codec module.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Adds the target if it is missing.
pub(crate) fn ensure_target(paths: &Paths) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(&paths.root)
        .args(["--print", "target-libdir", "--target", WASM_TARGET]);
    if Path::new(run::capture(&mut rustc)?.trim()).is_dir() {
        return Ok(());
    }
    if !run::is_installed("rustup") {
        bail!(
            "the Rust target {WASM_TARGET} is missing and there is no rustup to add it: install the target of this toolchain"
        );
    }
    let mut rustup = Command::new("rustup");
    rustup
        .current_dir(&paths.root)
        .args(["target", "add", WASM_TARGET]);
    run::step(
        &format!("adding the Rust target {WASM_TARGET}"),
        &mut rustup,
    )
}
