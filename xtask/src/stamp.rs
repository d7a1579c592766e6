//! Stamps: what a result was made from, so that nothing is made twice.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// Folders that never are an input.
const SKIPPED: [&str; 4] = ["node_modules", "build", "target", ".wrangler"];

/// The digest of files and folders, by their names and contents; what does not exist counts as such.
pub fn digest(root: &Path, inputs: &[&str], words: &[&str]) -> Result<String> {
    digest_without(root, inputs, &[], words)
}

/// As [`digest`], but for the files `left_out`: results that lie among the inputs.
pub fn digest_without(
    root: &Path,
    inputs: &[&str],
    left_out: &[&str],
    words: &[&str],
) -> Result<String> {
    let mut files = Vec::new();
    for input in inputs {
        collect(&root.join(input), &mut files)?;
    }
    files.retain(|file| !left_out.iter().any(|name| *file == root.join(name)));
    files.sort();
    let mut hash = Sha256::new();
    for word in words {
        hash.update(word.as_bytes());
        hash.update([0]);
    }
    for file in &files {
        let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        hash.update(
            file.strip_prefix(root)
                .unwrap_or(file)
                .to_string_lossy()
                .as_bytes(),
        );
        hash.update([0]);
        hash.update(bytes.len().to_le_bytes());
        hash.update(&bytes);
    }
    Ok(hex(&hash.finalize()))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Does `file` hold exactly this digest?
pub fn is_fresh(file: &Path, digest: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text == digest)
}

/// Notes that the result was made from `digest`.
pub fn write(file: &Path, digest: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    fs::write(file, digest).with_context(|| format!("cannot write {}", file.display()))
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    if !path.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        let entry = entry?;
        if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
            collect(&entry.path(), files)?;
        }
    }
    Ok(())
}
