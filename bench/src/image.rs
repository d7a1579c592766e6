//! `cargo xtask bench image`: the codec module against other image libraries, by an npm package with its own
//! dependencies, which prints a Markdown table to stdout and its progress to stderr.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use xtask::paths::Paths;
use xtask::say::Step;
use xtask::setup::Tools;
use xtask::{build, run, setup, stamp};

/// Where the package is.
const FOLDER: &str = "bench/peers/image";

/// Version of the peer from Python.
const PILLOW: &str = "13.0.0";

/// Runs it; gives the table.
pub(crate) fn run(paths: &Paths) -> Result<String> {
    let tools = setup::ensure(paths, setup::For::Build)?;
    build::ensure(paths)?;
    let folder = paths.root.join(FOLDER);
    if !folder.join("package.json").is_file() {
        bail!("there is no benchmark in {}", folder.display());
    }
    install(&folder)?;
    let (native, python) = (native(paths)?, pillow(paths)?);
    let step = Step::start("measuring the codec");
    let output = Command::new("npm")
        .current_dir(&folder)
        .args(["run", "--silent", "bench"])
        .env("PATH", path(paths, &tools)?)
        .env("FERROTYPE_IMAGING_NATIVE", native)
        .env("BENCH_PYTHON", python)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start npm")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        step.failed();
        bail!("the benchmark failed ({})\n{text}", output.status);
    }
    step.ok();
    Ok(format!("### The codec\n\n{text}"))
}

fn install(folder: &Path) -> Result<()> {
    let digest = stamp::digest(folder, &["package.json", "package-lock.json"], &[])?;
    let file = folder.join("node_modules/.ferrotype-stamp");
    if stamp::is_fresh(&file, &digest) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.current_dir(folder).args([
        "ci",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ]);
    run::step("installing what the benchmark compares with", &mut npm)?;
    stamp::write(&file, &digest)
}

/// The same codec, linked natively.
fn native(paths: &Paths) -> Result<PathBuf> {
    let mut cargo = run::cargo(&paths.root);
    cargo.args(["build", "--quiet", "--package", "imaging"]);
    cargo.args(["--profile", "codec", "--example", "native"]);
    run::step("building the codec for this machine", &mut cargo)?;
    Ok(paths.target.join("codec/examples/native"))
}

/// A Python with Pillow, in a virtual environment beside the tools.
fn pillow(paths: &Paths) -> Result<PathBuf> {
    let folder = paths.tools.join(format!("pillow-{PILLOW}"));
    let python = folder.join("bin/python");
    let mut import = Command::new(&python);
    import.args(["-c", "import PIL"]);
    if run::capture(&mut import).is_ok() {
        return Ok(python);
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    run::step(
        "making a place for Pillow (needs python3 with venv)",
        &mut venv,
    )?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet"]);
    pip.arg(format!("pillow=={PILLOW}"));
    run::step("installing Pillow", &mut pip)?;
    Ok(python)
}

/// Node and the npm tools of the checkout first.
fn path(paths: &Paths, tools: &Tools) -> Result<std::ffi::OsString> {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let node = tools.node.parent().map(Path::to_path_buf);
    let folders = node
        .into_iter()
        .chain([paths.root.join("node_modules/.bin")])
        .chain(std::env::split_paths(&old));
    std::env::join_paths(folders.collect::<Vec<PathBuf>>()).context("PATH cannot be extended")
}
