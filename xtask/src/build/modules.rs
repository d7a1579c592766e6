//! The two wasm modules: the edge with its script, and the codec with libwebp's C.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use fs_err as fs;

use super::{Artefact, Profile, bindings};
use crate::paths::Paths;
use crate::setup::WASM_TARGET;
use crate::{run, say};

/// A module that was compiled because its output was not fresh.
#[derive(Debug)]
pub(super) struct Compiled {
    wasm: PathBuf,
    digest: String,
}

/// Compiles the module if its output is stale.
pub(super) fn compile(
    paths: &Paths,
    profile: Profile,
    artefact: Artefact,
) -> Result<Option<Compiled>> {
    let Some(digest) = artefact.stale(paths, profile)? else {
        return Ok(None);
    };
    let mut cargo = run::cargo(&paths.root);
    cargo
        .args(["build", "--lib", "--target", WASM_TARGET])
        .args(["--package", artefact.package()])
        .envs(c_compiler(paths))
        .env("CARGO_TARGET_DIR", &paths.target);
    let folder = match (profile, artefact) {
        (Profile::Local, _) => {
            // Nothing reads the line tables of a wasm module.
            cargo.args(["--config", "profile.dev.debug=false"]);
            "debug"
        }
        (Profile::Release, Artefact::Codec) => {
            cargo.args(["--profile", "codec"]);
            "codec"
        }
        (Profile::Release, Artefact::Edge | Artefact::NativeWorker) => {
            cargo.arg("--release");
            "release"
        }
    };
    run::build(artefact.title(), &mut cargo)?;
    let wasm = format!("{WASM_TARGET}/{folder}/{}.wasm", artefact.package());
    Ok(Some(Compiled {
        wasm: paths.target.join(wasm),
        digest,
    }))
}

/// Makes the script of the edge in `build/` of the profile's folder.
pub(super) fn finish_edge(paths: &Paths, profile: Profile, edge: &Compiled) -> Result<()> {
    let folder = profile.edge(paths);
    say::step("making the edge script", || {
        bindings::make(paths, profile, &edge.wasm, &folder.join("build"))
    })?;
    copy_entries(&paths.root.join("edge/entry"), &folder.join("entry"))?;
    Artefact::Edge.built(paths, profile, &edge.digest)
}

/// Puts the codec into the profile's folder.
pub(super) fn finish_codec(paths: &Paths, profile: Profile, codec: &Compiled) -> Result<()> {
    let output = Artefact::Codec.output(paths, profile);
    let fresh = output.with_extension("wasm.new");
    match profile {
        Profile::Local => {
            fs::create_dir_all(profile.edge(paths))?;
            fs::copy(&codec.wasm, &fresh)?;
        }
        Profile::Release => {
            let mut wasm_opt = Command::new(paths.npm_bin("wasm-opt"));
            wasm_opt.arg("-O3").arg(&codec.wasm).arg("-o").arg(&fresh);
            run::step("optimizing the codec", &mut wasm_opt)?;
        }
    }
    // Renamed, so that a running stack never loads a partial file.
    fs::rename(&fresh, &output)?;
    Artefact::Codec.built(paths, profile, &codec.digest)
}

/// Copies the scripts that import the modules by relative paths.
fn copy_entries(from: &Path, to: &Path) -> Result<()> {
    if from == to {
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// The settings of the C compiler: our headers, and SSE2 code, which a header maps to simd128.
pub(crate) fn c_compiler(paths: &Paths) -> Vec<(&'static str, String)> {
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
