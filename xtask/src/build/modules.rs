//! The two wasm modules: the edge with its script, and the codec with libwebp's C.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use fs_err as fs;

use super::{COMMON_INPUTS, Profile, bindings};
use crate::paths::Paths;
use crate::setup::WASM_TARGET;
use crate::{run, say, stamp};

/// A crate that becomes a wasm module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Module {
    Edge,
    Codec,
}

impl Module {
    const fn package(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Codec => "imaging",
        }
    }

    /// Cargo's profile of a release.
    const fn release(self) -> &'static str {
        match self {
            Self::Edge => "release",
            Self::Codec => "codec",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Edge => "building the edge",
            Self::Codec => "building the codec",
        }
    }

    /// What must exist when it is built, in the profile's folder.
    const fn output(self) -> &'static str {
        match self {
            Self::Edge => "build/index.js",
            Self::Codec => "imaging.wasm",
        }
    }

    fn stamp(self, paths: &Paths, profile: Profile) -> PathBuf {
        let name = format!("stamps/{}-{}", self.package(), profile.word());
        paths.private.join(name)
    }

    fn is_fresh(self, paths: &Paths, profile: Profile, digest: &str) -> bool {
        stamp::is_fresh(&self.stamp(paths, profile), digest)
            && profile.edge(paths).join(self.output()).is_file()
    }

    fn digest(self, paths: &Paths) -> Result<String> {
        let own = [
            self.package(),
            "shared/src",
            "shared/Cargo.toml",
            "package-lock.json",
        ];
        let inputs = [&own[..], &COMMON_INPUTS].concat();
        // A result that lies among the inputs.
        stamp::digest_without(&paths.root, &inputs, &["edge/imaging.wasm"], &[])
    }
}

/// Whether both modules are built from the present sources.
pub(super) fn are_fresh(paths: &Paths, profile: Profile) -> Result<bool> {
    for module in [Module::Edge, Module::Codec] {
        if !module.is_fresh(paths, profile, &module.digest(paths)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A module that was compiled because its output was not fresh.
#[derive(Debug)]
pub(super) struct Compiled {
    module: Module,
    wasm: PathBuf,
    digest: String,
}

/// Compiles the module when its output is not fresh.
pub(super) fn compile(paths: &Paths, profile: Profile, module: Module) -> Result<Option<Compiled>> {
    let digest = module.digest(paths)?;
    if module.is_fresh(paths, profile, &digest) {
        return Ok(None);
    }
    let mut cargo = run::cargo(&paths.root);
    cargo
        .args([
            "build",
            "--lib",
            "--target",
            WASM_TARGET,
            "--package",
            module.package(),
        ])
        .envs(c_compiler(paths))
        .env("CARGO_TARGET_DIR", &paths.target);
    let folder = match profile {
        Profile::Local => {
            // Nothing reads the lines of a wasm module.
            cargo.args(["--config", "profile.dev.debug=false"]);
            "debug"
        }
        Profile::Release => {
            cargo.args(["--profile", module.release()]);
            module.release()
        }
    };
    run::build(module.title(), &mut cargo)?;
    let wasm = format!("{WASM_TARGET}/{folder}/{}.wasm", module.package());
    let wasm = paths.target.join(wasm);
    Ok(Some(Compiled {
        module,
        wasm,
        digest,
    }))
}

impl Compiled {
    /// Makes what the platform loads out of it, in the profile's folder.
    pub(super) fn finish(&self, paths: &Paths, profile: Profile) -> Result<()> {
        let folder = profile.edge(paths);
        match self.module {
            Module::Edge => {
                say::step("making the edge script", || {
                    bindings::make(paths, profile, &self.wasm, &folder.join("build"))
                })?;
                copy_entries(&paths.root.join("edge/entry"), &folder.join("entry"))?;
            }
            Module::Codec => {
                let output = folder.join("imaging.wasm");
                let fresh = output.with_extension("wasm.new");
                match profile {
                    Profile::Local => {
                        fs::create_dir_all(&folder)?;
                        fs::copy(&self.wasm, &fresh)?;
                    }
                    Profile::Release => {
                        let mut wasm_opt = Command::new(paths.npm_bin("wasm-opt"));
                        wasm_opt.arg("-O3").arg(&self.wasm).arg("-o").arg(&fresh);
                        run::step("optimizing the codec", &mut wasm_opt)?;
                    }
                }
                // In one step, so that a running stack never loads half a file.
                fs::rename(&fresh, &output)?;
            }
        }
        stamp::write(&self.module.stamp(paths, profile), &self.digest)
    }
}

/// The scripts that import the modules by relative paths.
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

/// What the C compiler has to know: our headers, and that SSE2 code is welcome (a header maps it to simd128).
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
