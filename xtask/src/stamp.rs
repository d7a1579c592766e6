//! Stamps: files with the digest of what a result was made from, so that nothing is made twice.

use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;
use sha2::{Digest as _, Sha256};

/// Files and folders that are never an input: results that lie among the sources.
const SKIPPED: [&str; 5] = [
    "node_modules",
    "build",
    "imaging.wasm",
    "target",
    ".wrangler",
];

/// The digest of files and folders, by their names and contents, and of `words`. A path that does not exist is skipped.
///
/// # Errors
///
/// When a file or folder cannot be read.
pub fn digest(root: &Path, inputs: &[&str], words: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for input in inputs {
        collect(&root.join(input), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word.as_bytes());
        hash.update([0]);
    }
    for file in &files {
        let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
        let bytes = fs::read(file)?;
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(bytes.len().to_le_bytes());
        hash.update(&bytes);
    }
    Ok(hex::encode(hash.finalize()))
}

/// Whether `file` contains exactly this digest.
pub fn is_fresh(file: &Path, digest: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text == digest)
}

/// Records that the result was made from `digest`.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write(file: &Path, digest: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, digest)?)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_path_buf());
    } else if path.is_dir() {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
                collect(&entry.path(), files)?;
            }
        }
    }
    Ok(())
}
