//! The house: the folders are those that ARCHITECTURE.md shows, no files of a crate import each other in a circle, and the
//! words are those of the field.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test reports by a panic with its message"
)]

mod imports;
mod tree;
mod words;

use std::path::{Path, PathBuf};

/// The checkout.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests is a folder of the checkout")
        .to_path_buf()
}

/// Names of what is in `folder` and passes `keep`, sorted.
fn entries(folder: &Path, keep: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be listed"))
        .filter(|entry| keep(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
