//! `cargo xtask bench`: tables against peers measured in the same run.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;

use crate::paths::Paths;
use crate::setup::Tools;
use crate::{build, run, setup, stamp};

/// What to measure.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum What {
    /// The codec module against other image libraries.
    Image,
    /// Events from the hub to many readers.
    Events,
    /// Requests of the API.
    Api,
}

/// Runs one benchmark.
pub(crate) fn run(paths: &Paths, what: What) -> Result<()> {
    match what {
        What::Image => {
            let tools = setup::ensure(paths)?;
            build::ensure(paths)?;
            package(paths, &tools, &paths.root.join("imaging/bench"))
        }
        What::Events => bail!("there is no benchmark of the events yet"),
        What::Api => bail!("there is no benchmark of the API yet"),
    }
}

/// Runs the script `bench` of an npm package with its own dependencies.
fn package(paths: &Paths, tools: &Tools, folder: &Path) -> Result<()> {
    if !folder.join("package.json").is_file() {
        bail!("there is no benchmark in {}", folder.display());
    }
    let digest = stamp::digest(folder, &["package.json", "package-lock.json"], &[])?;
    let file = folder.join("node_modules/.ferrotype-stamp");
    if !stamp::is_fresh(&file, &digest) {
        let mut npm = Command::new("npm");
        npm.current_dir(folder).args([
            "ci",
            "--prefer-offline",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        run::step("installing what the benchmark compares with", &mut npm)?;
        stamp::write(&file, &digest)?;
    }
    let old = std::env::var_os("PATH").unwrap_or_default();
    let node = tools.node.parent().map(Path::to_path_buf);
    let folders = node
        .into_iter()
        .chain([paths.root.join("node_modules/.bin")])
        .chain(std::env::split_paths(&old));
    let path = std::env::join_paths(folders).context("PATH cannot be extended")?;
    run::foreground(
        Command::new("npm")
            .current_dir(folder)
            .args(["run", "--silent", "bench"])
            .env("PATH", path),
    )
}
