//! The folders that every command uses: the checkout, its private folder, the tool cache, the target folder.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fs_err as fs;

/// Files that only the root of a checkout has together.
const MARKERS: [&str; 3] = ["Cargo.toml", "wrangler.toml", "xtask/Cargo.toml"];

/// The folders of one checkout.
#[derive(Debug, Clone)]
pub struct Paths {
    /// The root of the checkout.
    pub root: PathBuf,
    /// `.ferrotype` in the checkout, ignored by git: development key, stack states, logs, stamps.
    pub private: PathBuf,
    /// Tools by name and version, shared by all checkouts of this user.
    pub tools: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Paths {
    /// Finds the folders and creates the private one.
    ///
    /// # Errors
    ///
    /// Outside of a checkout, without a home folder, or when the private folder cannot be created.
    pub fn find() -> Result<Self> {
        // Trap: a root that is compiled in belongs to the checkout that built this program last, which is another one where
        // two checkouts share a target folder.
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let current = env::current_dir().context("the current folder does not exist")?;
        let root =
            root_of(package.iter().chain([&current]).map(PathBuf::as_path)).with_context(|| {
                format!(
                    "{} is not in a checkout of Ferrotype: run `cargo xtask` inside of one",
                    current.display()
                )
            })?;
        let private = root.join(".ferrotype");
        fs::create_dir_all(&private)?;
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

/// The root of the checkout that contains the first of `starts` that is in one. `cargo run` sets the folder of its package;
/// a program that is started directly looks upwards from the current folder.
fn root_of<'a>(starts: impl Iterator<Item = &'a Path>) -> Option<PathBuf> {
    starts
        .flat_map(Path::ancestors)
        .find(|folder| MARKERS.iter().all(|name| folder.join(name).is_file()))
        .map(Path::to_path_buf)
}

fn cache() -> Result<PathBuf> {
    let variable = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = variable("FERROTYPE_CACHE") {
        return std::path::absolute(&folder)
            .with_context(|| format!("FERROTYPE_CACHE={}", folder.display()));
    }
    variable("XDG_CACHE_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("ferrotype"))
        .context("no folder for the tools: set HOME or FERROTYPE_CACHE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_from_any_folder_in_the_checkout() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = package.parent().map(Path::to_path_buf);
        let outside = env::temp_dir();
        let source = package.join("src/stack");
        for starts in [[package, &outside], [&outside, &source]] {
            assert_eq!(root_of(starts.into_iter()), root);
        }
        assert_eq!(root_of([outside.as_path()].into_iter()), None);
    }
}
