//! cargo-deny, which checks licences, bans and sources: built once per machine into the cache.

use std::path::PathBuf;

use anyhow::Result;
use fs_err as fs;

use crate::lock::Lock;
use crate::paths::Paths;
use crate::run;

/// The crate with its version.
const CRATE: &str = "cargo-deny@0.20.2";

/// The program; it is built if it is missing.
pub(crate) fn ensure(paths: &Paths) -> Result<PathBuf> {
    let folder = paths.tools.join(CRATE);
    let program = folder.join("bin/cargo-deny");
    if program.is_file() {
        return Ok(program);
    }
    let _lock = Lock::wait(&folder.with_extension("lock"), CRATE)?;
    if !program.is_file() {
        let build = folder.with_extension("build");
        let mut cargo = run::cargo(&paths.root);
        // Without optimization its build takes a third of the time, and it still runs within seconds.
        cargo
            .args(["install", "--locked", "--debug", CRATE, "--root"])
            .arg(&folder)
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .env("CARGO_TARGET_DIR", &build);
        run::build("building cargo-deny (once per machine)", &mut cargo)?;
        fs::remove_dir_all(&build)?;
    }
    Ok(program)
}
