//! Where things are: the checkout, its private folder, the tools cache, the target folder.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The folders that the commands read and write.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// `.ferrotype` in the checkout, git-ignored: development key, states, logs, stamps.
    pub(crate) private: PathBuf,
    /// Tools by name and version, shared by all checkouts of this user.
    pub(crate) tools: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
}

impl Paths {
    /// Finds them all; creates the private folder.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask was built outside of a checkout: run it as `cargo xtask` in one")?
            .to_path_buf();
        let private = root.join(".ferrotype");
        std::fs::create_dir_all(&private)
            .with_context(|| format!("cannot create {}", private.display()))?;
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |folder| root.join(folder));
        Ok(Self {
            tools: cache()?.join("tools"),
            root,
            private,
            target,
        })
    }

    /// A program of `node_modules/.bin`.
    pub(crate) fn npm_bin(&self, name: &str) -> PathBuf {
        self.root.join("node_modules/.bin").join(name)
    }
}

fn cache() -> Result<PathBuf> {
    let named = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = named("FERROTYPE_CACHE") {
        return std::path::absolute(&folder)
            .with_context(|| format!("FERROTYPE_CACHE={}", folder.display()));
    }
    let home = || named("HOME").map(|home| home.join(".cache"));
    named("XDG_CACHE_HOME")
        .or_else(home)
        .map(|folder| folder.join("ferrotype"))
        .context("no place for the tools: set HOME or FERROTYPE_CACHE")
}
