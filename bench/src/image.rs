//! `cargo xtask bench image`: the codec module against other image libraries, by an npm package with its own dependencies. It
//! prints a Markdown table to stdout and its progress to stderr.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use xtask::build::{self, Profile};
use xtask::paths::Paths;
use xtask::setup::{Tools, python};
use xtask::{run, say, setup, stamp};

/// The npm package.
const FOLDER: &str = "bench/peers/image";

/// The peer from the Python Package Index.
const PILLOW: &str = "pillow==13.0.0";

/// Measures; returns the table.
pub(crate) fn run(paths: &Paths) -> Result<String> {
    let tools = build::ensure(paths, setup::For::Build, Profile::Release)?;
    let folder = paths.root.join(FOLDER);
    install(&folder)?;
    let native = native(paths)?;
    let python = python::packages(paths, "pillow", &[PILLOW])?;
    let mut npm = Command::new("npm");
    npm.current_dir(&folder)
        .args(["run", "--silent", "bench"])
        .env("PATH", path(paths, &tools)?)
        .env("FERROTYPE_IMAGING_NATIVE", native)
        .env("BENCH_PYTHON", python.join("bin/python"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    say::step("measuring the codec", || {
        let output = npm.output().context("cannot start npm")?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("the benchmark failed ({})\n{text}", output.status);
        }
        Ok(format!("### The codec\n\n{text}"))
    })
}

fn install(folder: &Path) -> Result<()> {
    let digest = stamp::digest(folder, &["package.json", "package-lock.json"], &[])?;
    let file = folder.join("node_modules/.ferrotype-stamp");
    if stamp::is_fresh(&file, &digest) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.current_dir(folder)
        .args("ci --prefer-offline --no-audit --no-fund --loglevel=error".split(' '));
    run::step("installing the image libraries to compare with", &mut npm)?;
    stamp::write(&file, &digest)
}

/// The same codec, linked natively.
fn native(paths: &Paths) -> Result<PathBuf> {
    let mut cargo = run::cargo(&paths.root);
    cargo
        .args("build --quiet --package imaging --profile codec --example native".split(' '))
        .env("CARGO_TARGET_DIR", &paths.target);
    run::step("building the codec for this machine", &mut cargo)?;
    Ok(paths.target.join("codec/examples/native"))
}

/// `PATH` with Node and the npm tools of the checkout first.
fn path(paths: &Paths, tools: &Tools) -> Result<OsString> {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let node = tools.node.parent().map(Path::to_path_buf);
    let folders = node
        .into_iter()
        .chain([paths.root.join("node_modules/.bin")])
        .chain(std::env::split_paths(&old));
    std::env::join_paths(folders).context("cannot extend PATH")
}
