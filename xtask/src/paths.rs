//! Where things are: the checkout, its private folder, the tools cache, the target folder.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Files that together only the root of a checkout has.
const MARKERS: [&str; 3] = ["Cargo.toml", "wrangler.toml", "xtask/Cargo.toml"];

/// The folders that the commands read and write.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The checkout.
    pub root: PathBuf,
    /// `.ferrotype` in the checkout, git-ignored: development key, states, logs, stamps.
    pub private: PathBuf,
    /// Tools by name and version, shared by all checkouts of this user.
    pub tools: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Paths {
    /// Finds them all; creates the private folder.
    ///
    /// # Errors
    ///
    /// Outside of a checkout, without a home folder, and when the private folder cannot be created.
    pub fn find() -> Result<Self> {
        // Trap: a root that is compiled in would be that of whichever checkout built this program last, where two share a
        // target folder.
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let current = env::current_dir().context("there is no current folder")?;
        let root = root_of(package.into_iter().chain([current]))?;
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

/// The checkout that one of `starts`, tried in this order, lies in. `cargo run` names the folder of its package; a program
/// that was started by itself looks from the current folder.
fn root_of(starts: impl IntoIterator<Item = PathBuf>) -> Result<PathBuf> {
    let starts: Vec<PathBuf> = starts.into_iter().collect();
    let mut folders = starts.iter().flat_map(|start| start.ancestors());
    let root = folders.find(|folder| MARKERS.iter().all(|name| folder.join(name).is_file()));
    root.map(Path::to_path_buf).with_context(|| {
        let current = starts
            .last()
            .map_or("".into(), |start| start.to_string_lossy());
        format!("{current} is not in a checkout of Ferrotype: run `cargo xtask` inside of one")
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_from_any_folder_in_it_and_the_package_comes_first() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.parent().unwrap();
        for start in [root.to_path_buf(), package.join("src/stack")] {
            assert_eq!(root_of([start]).unwrap(), root);
        }
        let outside = env::temp_dir();
        assert_eq!(
            root_of([package.to_path_buf(), outside.clone()]).unwrap(),
            root
        );
        assert_eq!(
            root_of([outside.clone(), package.to_path_buf()]).unwrap(),
            root
        );
        let error = root_of([outside]).unwrap_err().to_string();
        assert!(error.contains("is not in a checkout"), "{error}");
    }
}
