//! The field's words: *video*, *image* and *audio* in every Rust source and every page of documentation.

use std::path::{Path, PathBuf};

use crate::{entries, root};

/// Words that the project replaced, in two halves so that this file does not hold them.
const REPLACED: [(&str, &str, &str); 3] = [
    ("fi", "lm", "video"),
    ("pict", "ure", "image"),
    ("so", "und", "audio"),
];

/// Terms of codecs and libraries, and plain words that only look alike; lower case.
const TERMS: [&str; 7] = [
    "webppicture",
    "get_picture",
    "unsound",
    "soundness",
    "superpicture",
    "-still-picture",
    "picture as av1image",
];

/// Folders that hold no source of ours.
const NOT_OURS: [&str; 3] = ["node_modules", "target", "build"];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for name in entries(folder, |_| true) {
        let path = folder.join(&name);
        let is_source = [".rs", ".md"].iter().any(|end| name.ends_with(end));
        if path.is_dir()
            && !path.is_symlink()
            && !name.starts_with('.')
            && !NOT_OURS.contains(&name.as_str())
        {
            sources(&path, into);
        } else if is_source {
            into.push(path);
        }
    }
}

/// The line without the terms that are allowed.
fn plain(line: &str) -> String {
    let line = line.to_lowercase();
    TERMS.iter().fold(line, |line, term| line.replace(term, ""))
}

#[test]
fn the_words_are_video_image_and_audio() {
    let root = root();
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 100, "only {} sources were found", files.len());
    let mut found = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).expect("a source is text");
        let name = file
            .strip_prefix(&root)
            .expect("a file of the checkout")
            .display()
            .to_string();
        let lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line));
        for (number, line) in lines.chain([(0, name.as_str())]) {
            let line = plain(line);
            for (start, end, instead) in REPLACED {
                if line.contains(&format!("{start}{end}")) {
                    found.push(format!("{name}:{number}: {start}{end}, say {instead}"));
                }
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} places:\n{}",
        found.len(),
        found.join("\n")
    );
}
