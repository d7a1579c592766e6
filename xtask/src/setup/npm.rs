//! The npm tools: `npm ci` by the lock file, once per state of it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};
use fs_err as fs;

use crate::paths::Paths;
use crate::{run, stamp};

/// The oldest Node that wrangler supports.
const NODE_MIN: (u32, u32) = (22, 12);

/// Installs the packages if `node_modules` differs from the lock file.
pub(super) fn ensure(paths: &Paths) -> Result<()> {
    let digest = stamp::digest(&paths.root, &["package.json", "package-lock.json"], &[])?;
    let file = paths.root.join("node_modules/.ferrotype-stamp");
    if stamp::is_fresh(&file, &digest) && paths.npm_bin("wrangler").is_file() {
        return Ok(());
    }
    if !run::is_installed("npm") {
        bail!(
            "npm is missing: install Node.js 20 or later with npm (wrangler, esbuild and wasm-opt are npm packages)"
        );
    }
    let mut npm = Command::new("npm");
    // No package needs its install script: esbuild and workerd are packages that contain the binary.
    let arguments = "ci --ignore-scripts --prefer-offline --no-audit --no-fund --loglevel=error";
    npm.current_dir(&paths.root)
        .args(arguments.split(' '))
        .env("NPM_CONFIG_UPDATE_NOTIFIER", "false");
    run::step("installing the npm tools", &mut npm)?;
    stamp::write(&file, &digest)
}

/// A Node that wrangler supports: the packaged one, or the machine's if it is new enough.
pub(super) fn node(paths: &Paths) -> Result<PathBuf> {
    let packaged = paths.npm_bin("node");
    if packaged.is_file() {
        return Ok(fs::canonicalize(&packaged)?);
    }
    let version = run::capture(Command::new("node").arg("--version"))?;
    if run::version(&version) >= Some(NODE_MIN) {
        return Ok(PathBuf::from("node"));
    }
    let (major, minor) = NODE_MIN;
    bail!(
        "wrangler needs Node {major}.{minor} or later; this machine has {}, and npm has no Node package for it",
        version.trim()
    );
}
