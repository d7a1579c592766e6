//! Files of this checkout that must agree with the core. The core itself does no I/O; its tests read these files and, with
//! `UPDATE=1`, write them.
#![expect(
    clippy::disallowed_methods,
    reason = "the ban on I/O is for the core, not for the test that compares it with files"
)]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Text of a file, with its path relative to the root of the checkout.
pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name))
        .unwrap_or_else(|error| panic!("{name} cannot be read: {error}"))
}

/// Texts of all files in `folder` whose name ends with `ending`, sorted by name; empty if the folder does not exist.
pub(crate) fn read_all(folder: &str, ending: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root().join(folder)) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect()
}

/// Asserts that the file contains exactly `expected`. With `UPDATE=1` in the environment, the file is written first.
pub(crate) fn assert_fresh(name: &str, expected: &str) {
    if std::env::var("UPDATE").as_deref() == Ok("1") {
        std::fs::write(root().join(name), expected).unwrap();
    }
    assert!(
        read(name) == expected,
        "{name} is stale: run `UPDATE=1 cargo test -p shared` and commit it"
    );
}
