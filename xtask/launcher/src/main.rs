//! `cargo xtask` starts here: this program builds the developer commands and becomes them.
//!
//! `cargo run` selects one package and compiles its dependencies with the features that this package needs. The native worker
//! and the tests need more features, and most dependencies would be compiled again for them. A build of the whole workspace
//! has one set of features.

use std::env;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The program of the developer commands.
const PROGRAM: &str = "xtask";

fn main() -> ExitCode {
    let failure = match build() {
        Ok(program) => Command::new(&program)
            .args(env::args_os().skip(1))
            .exec()
            .to_string(),
        Err(failure) => failure,
    };
    note(&format!("error: {failure}"));
    ExitCode::FAILURE
}

fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Builds the program; returns its path.
fn build() -> Result<PathBuf, String> {
    // Cargo puts every program of a profile into one folder.
    let own = env::current_exe().map_err(|error| error.to_string())?;
    let program = own.with_file_name(PROGRAM);
    // Trap: a path that is compiled in would be that of another checkout with the same target folder.
    let package = env::var_os("CARGO_MANIFEST_DIR").ok_or("run `cargo xtask`")?;
    let manifest = Path::new(&package).join("../../Cargo.toml");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["build", "--workspace", "--bin", PROGRAM, "--manifest-path"])
        .arg(manifest);
    if program.is_file() {
        cargo.arg("--quiet");
    } else {
        note("building the developer commands for the first time: about a minute on two cores");
    }
    match cargo.status() {
        Ok(status) if status.success() => Ok(program),
        Ok(status) => Err(format!("cargo did not build {PROGRAM} ({status})")),
        Err(error) => Err(format!("cannot start cargo: {error}")),
    }
}
