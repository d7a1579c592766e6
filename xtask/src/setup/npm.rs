//! The npm tools: `npm ci` by the lock file, once per state of it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::paths::Paths;
use crate::{run, stamp};

/// The oldest Node that wrangler starts with.
const NODE_MIN: (u32, u32) = (22, 12);

/// Installs the packages when `node_modules` is not what the lock file says.
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
    // No package here needs its install script: esbuild and workerd come as packages with the binary inside.
    npm.current_dir(&paths.root)
        .args([
            "ci",
            "--ignore-scripts",
            "--prefer-offline",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .env("NPM_CONFIG_UPDATE_NOTIFIER", "false");
    run::step("installing the npm tools", &mut npm)?;
    stamp::write(&file, &digest)
}

/// A Node that wrangler runs on: the package's, or the machine's when it is young enough.
pub(super) fn node(paths: &Paths) -> Result<PathBuf> {
    let packaged = paths.npm_bin("node");
    if packaged.is_file() {
        return fs::canonicalize(&packaged)
            .with_context(|| format!("cannot follow {}", packaged.display()));
    }
    let version = run::capture(Command::new("node").arg("--version"))?;
    if parse(&version).is_some_and(|found| found >= NODE_MIN) {
        return Ok(PathBuf::from("node"));
    }
    let (major, minor) = NODE_MIN;
    bail!(
        "wrangler needs Node {major}.{minor} or later; this machine has {} and npm has no Node package for its kind",
        version.trim()
    );
}

fn parse(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_compared_by_number() {
        assert_eq!(parse("v22.9.0\n"), Some((22, 9)));
        assert!(parse("v22.9.0") < Some(NODE_MIN));
        assert!(parse("v100.0.0") > Some(NODE_MIN));
        assert_eq!(parse("nonsense"), None);
    }
}
