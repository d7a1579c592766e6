//! Python packages that peers are made of, each in a virtual environment beside the tools.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use xtask::lock::Lock;
use xtask::paths::Paths;
use xtask::{run, stamp};

/// The folder of a virtual environment with these `packages` (`NAME==VERSION`); made on first use.
pub(crate) fn environment(paths: &Paths, name: &str, packages: &[&str]) -> Result<PathBuf> {
    let folder = paths.tools.join(name);
    let _lock = Lock::wait(&folder.with_extension("lock"), name)?;
    let (file, packed) = (folder.join("installed"), packages.join("\n"));
    if stamp::is_fresh(&file, &packed) {
        return Ok(folder);
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    let title = format!("making a Python environment for {name} (needs python3 with venv)");
    run::step(&title, &mut venv)?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet"]).args(packages);
    run::step(&format!("installing {name}"), &mut pip)?;
    stamp::write(&file, &packed)?;
    Ok(folder)
}
