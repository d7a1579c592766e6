//! From the edge's compiled Rust to the script that the platform loads: bindings by wasm-bindgen's library, our
//! `edge/js/worker.js` around them, bundled by esbuild.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use fs_err as fs;
use wasm_bindgen_cli_support::Bindgen;

use super::Profile;
use crate::paths::Paths;
use crate::run;

/// The module beside the script, with the name that wasm-bindgen gives it.
const MODULE: &str = "index_bg.wasm";

/// The features that wasm-opt may use: those that rustc uses for wasm32, SIMD, and exceptions, which wasm-bindgen catches. Not
/// `--all-features`: it includes features that the platform does not support yet.
const FEATURES: [&str; 8] = [
    "--enable-mutable-globals",
    "--enable-sign-ext",
    "--enable-nontrapping-float-to-int",
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-reference-types",
    "--enable-exception-handling",
    "--enable-simd",
];

/// Makes `index.js` and its module in the folder `build` from `wasm`.
pub(super) fn make(paths: &Paths, profile: Profile, wasm: &Path, build: &Path) -> Result<()> {
    let fresh = build.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh)?;
    }
    generate(wasm, &fresh).context("wasm-bindgen")?;
    if profile == Profile::Release {
        optimize(paths, &fresh)?;
    }
    bundle(paths, profile, &fresh)?;
    fs::create_dir_all(build)?;
    // Renamed as whole files, the script last: a running stack that reloads never finds a partial one.
    for (made, name) in [(MODULE, MODULE), ("bundle.js", "index.js")] {
        fs::rename(fresh.join(made), build.join(name))?;
    }
    Ok(fs::remove_dir_all(&fresh)?)
}

/// Writes the bindings into `folder`: `index.js`, its snippets and the module.
fn generate(wasm: &Path, folder: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .out_name("index")
        .module(true)?
        // `worker.js` uses this to start a fresh instance after a panic or a trap.
        .reset_state_function(true)
        .force_enable_abort_handler(true);
    bindgen.generate(folder)?;
    // The platform has no source-phase imports: a plain import of a module already yields its source.
    let script = folder.join("index.js");
    let text = fs::read_to_string(&script)?;
    let text = text.replace("import source ", "import ");
    Ok(fs::write(&script, text)?)
}

fn optimize(paths: &Paths, folder: &Path) -> Result<()> {
    let (from, to) = (folder.join(MODULE), folder.join("optimized.wasm"));
    let mut wasm_opt = Command::new(paths.npm_bin("wasm-opt"));
    // Names are kept: stack traces are useless without them.
    wasm_opt.args(["-O", "--debuginfo"]).args(FEATURES);
    wasm_opt.arg(&from).arg("-o").arg(&to);
    run::capture(&mut wasm_opt)?;
    Ok(fs::rename(&to, &from)?)
}

fn bundle(paths: &Paths, profile: Profile, folder: &Path) -> Result<()> {
    let entry = folder.join("worker.js");
    fs::copy(paths.root.join("edge/js/worker.js"), &entry)?;
    let mut esbuild = Command::new(esbuild(paths));
    esbuild
        .current_dir(folder)
        .args([
            "worker.js",
            "--bundle",
            "--format=esm",
            "--outfile=bundle.js",
        ])
        .args(["--log-level=warning", "--external:cloudflare:*"])
        .arg(format!("--external:./{MODULE}"));
    match profile {
        Profile::Local => {}
        Profile::Release => {
            esbuild.arg("--minify");
        }
    }
    run::capture(&mut esbuild).map(drop)
}

/// The binary itself if npm has it for this machine: the package's entry script would run on the machine's Node.
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
