//! ARCHITECTURE.md's tree against the folders that exist.
//!
//! Its lines are `PATH  what it is`. A line that begins at the margin names a folder of the checkout; an indented one names
//! a folder (with a slash at its end) or a file in it.

use std::collections::BTreeSet;

use crate::{entries, root};

/// Folders at the top that hold no source: build output and installed packages.
const NOT_OURS: [&str; 2] = ["node_modules", "target"];

/// Paths of the tree, folders with their slash.
fn listed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md"))
        .expect("ARCHITECTURE.md is in the checkout");
    let tree = text
        .split("## The tree")
        .nth(1)
        .and_then(|rest| rest.split("```text\n").nth(1))
        .and_then(|rest| rest.split("```").next())
        .expect("ARCHITECTURE.md has a section \"The tree\" with a block of text");
    let mut parent = String::new();
    tree.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            let name = line.split_whitespace().next().unwrap_or_default();
            if line.starts_with(' ') {
                format!("{parent}{name}")
            } else {
                name.clone_into(&mut parent);
                parent.clone()
            }
        })
        .collect()
}

/// Every folder that the tree must show: those at the top, and the rooms in each crate's `src`.
fn existing() -> BTreeSet<String> {
    let root = root();
    let mut folders = BTreeSet::new();
    let is_ours = |name: &str| !name.starts_with('.') && !NOT_OURS.contains(&name);
    for top in entries(&root, std::path::Path::is_dir) {
        if !is_ours(&top) {
            continue;
        }
        folders.insert(format!("{top}/"));
        let source = root.join(&top).join("src");
        if source.is_dir() {
            let rooms = entries(&source, std::path::Path::is_dir);
            folders.extend(rooms.iter().map(|room| format!("{top}/src/{room}/")));
        }
    }
    folders
}

#[test]
fn every_folder_is_in_the_tree() {
    let listed = listed();
    let missing: Vec<_> = existing()
        .into_iter()
        .filter(|folder| !listed.contains(folder))
        .collect();
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md does not show: {}",
        missing.join(", ")
    );
}

#[test]
fn everything_in_the_tree_exists() {
    let root = root();
    let gone: Vec<_> = listed()
        .into_iter()
        .filter(|path| {
            let found = root.join(path);
            if path.ends_with('/') {
                !found.is_dir()
            } else {
                !found.is_file()
            }
        })
        .collect();
    assert!(
        gone.is_empty(),
        "ARCHITECTURE.md shows what does not exist: {}",
        gone.join(", ")
    );
}
