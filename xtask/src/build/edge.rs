//! The edge script: `worker-build`, with every helper program taken from this machine.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::COMMON_INPUTS;
use crate::paths::Paths;
use crate::setup::{WASM_BINDGEN, WORKER_BUILD};
use crate::{run, stamp};

/// Builds `edge/build/` when it is not fresh.
pub(super) fn ensure(paths: &Paths) -> Result<()> {
    let inputs = [
        &[
            "edge",
            "shared/src",
            "shared/Cargo.toml",
            "package-lock.json",
        ][..],
        &COMMON_INPUTS,
    ]
    .concat();
    let (worker_build, wasm_bindgen) = (WORKER_BUILD.folder(), WASM_BINDGEN.folder());
    // The codec module lies beside the script, not in it.
    let digest = stamp::digest_without(
        &paths.root,
        &inputs,
        &["edge/imaging.wasm"],
        &[&worker_build, &wasm_bindgen],
    )?;
    let file = paths.private.join("stamps/edge");
    if stamp::is_fresh(&file, &digest) && paths.root.join("edge/build/index.js").is_file() {
        return Ok(());
    }
    let mut command = Command::new(WORKER_BUILD.path(paths));
    command
        .current_dir(&paths.root)
        .args(["--release", "edge"])
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("CARGO_TARGET_DIR", &paths.target)
        .env("WASM_BINDGEN_BIN", WASM_BINDGEN.path(paths))
        .env("WASM_OPT_BIN", paths.npm_bin("wasm-opt"))
        .env("ESBUILD_BIN", esbuild(paths));
    run::step("building the edge script", &mut command)?;
    stamp::write(&file, &digest)
}

/// The binary itself where npm has it for this machine: the package's own entry runs on the machine's Node.
fn esbuild(paths: &Paths) -> PathBuf {
    let cpu = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        "x86_64" => "x64",
        other => other,
    };
    let binary = paths.root.join(format!(
        "node_modules/@esbuild/{}-{cpu}/bin/esbuild",
        std::env::consts::OS
    ));
    if binary.is_file() {
        binary
    } else {
        paths.npm_bin("esbuild")
    }
}
