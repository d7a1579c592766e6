//! Tools that come as crates: built once per machine into the cache, by name and version.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::lock::Lock;
use crate::paths::Paths;
use crate::run;

/// A crate that is installed for its program.
pub(crate) struct CargoTool {
    name: &'static str,
    version: &'static str,
    program: &'static str,
}

/// Checks licences, bans and sources.
pub(crate) const CARGO_DENY: CargoTool = CargoTool {
    name: "cargo-deny",
    version: "0.20.2",
    program: "cargo-deny",
};

impl CargoTool {
    /// Where the program is once installed.
    pub(crate) fn path(&self, paths: &Paths) -> PathBuf {
        paths
            .tools
            .join(self.folder())
            .join("bin")
            .join(self.program)
    }

    /// Name and version, for stamps.
    pub(crate) fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// Installs the program when it is absent.
    pub(crate) fn ensure(&self, paths: &Paths) -> Result<()> {
        if self.path(paths).is_file() {
            return Ok(());
        }
        let _lock = Lock::wait(
            &paths.tools.join(format!("{}.lock", self.folder())),
            self.name,
        )?;
        if self.path(paths).is_file() {
            return Ok(());
        }
        let build = paths.tools.join(format!("{}.build", self.folder()));
        let mut cargo = run::cargo(&paths.root);
        cargo
            .args([
                "install",
                "--locked",
                "--version",
                self.version,
                self.name,
                "--root",
            ])
            .arg(paths.tools.join(self.folder()))
            // A target folder of its own: the tools outlive any `cargo clean` and are needed once.
            .env("CARGO_TARGET_DIR", &build);
        let title = format!(
            "building {} {} (once per machine, takes a few minutes)",
            self.name, self.version
        );
        run::step(&title, &mut cargo)?;
        fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))
    }
}
