//! The codec module: the `imaging` crate with libwebp's C, as a wasm module of its own.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::COMMON_INPUTS;
use crate::paths::Paths;
use crate::setup::WASM_TARGET;
use crate::{run, stamp};

/// Builds `edge/imaging.wasm` when it is not fresh.
pub(super) fn ensure(paths: &Paths) -> Result<()> {
    let inputs = [
        &[
            "imaging",
            "shared/src",
            "shared/Cargo.toml",
            "package-lock.json",
        ][..],
        &COMMON_INPUTS,
    ]
    .concat();
    let output = paths.root.join("edge/imaging.wasm");
    let environment = environment(paths);
    let words: Vec<&str> = environment
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    let digest = stamp::digest(&paths.root, &inputs, &words)?;
    let file = paths.private.join("stamps/codec");
    if stamp::is_fresh(&file, &digest) && output.is_file() {
        return Ok(());
    }
    let mut cargo = run::cargo(&paths.root);
    cargo.args([
        "build",
        "--package",
        "imaging",
        "--lib",
        "--profile",
        "codec",
        "--target",
        WASM_TARGET,
    ]);
    cargo
        .envs(environment)
        .env("CARGO_TARGET_DIR", &paths.target);
    run::step("building the codec module", &mut cargo)?;
    let built = paths.target.join(WASM_TARGET).join("codec/imaging.wasm");
    let optimized = output.with_extension("wasm.new");
    let mut wasm_opt = Command::new(paths.npm_bin("wasm-opt"));
    wasm_opt.arg("-O3").arg(&built).arg("-o").arg(&optimized);
    run::step("optimizing the codec module", &mut wasm_opt)?;
    // In one step, so that a running stack never loads half a file.
    fs::rename(&optimized, &output)
        .with_context(|| format!("cannot write {}", output.display()))?;
    stamp::write(&file, &digest)
}

/// What the C compiler has to know: our headers, and that SSE2 code is welcome (a header maps it to simd128).
pub(crate) fn environment(paths: &Paths) -> Vec<(&'static str, String)> {
    let headers = paths.root.join("imaging/cshim/include");
    let flags = format!(
        "-nostdlibinc -isystem {} -DEMSCRIPTEN=1 -D__SSE__=1 -D__SSE2__=1 -D__SSE4_1__=1 -msimd128 -mbulk-memory",
        headers.display()
    );
    vec![
        ("CC_wasm32_unknown_unknown", "clang".to_owned()),
        ("AR_wasm32_unknown_unknown", "llvm-ar".to_owned()),
        ("CFLAGS_wasm32_unknown_unknown", flags),
    ]
}
