//! The logs of the parts.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;
use fs_err as fs;

use crate::run;

/// Lines that an error shows of a log.
const TAIL_LINES: usize = 30;

/// Empties the log, or creates it.
pub(super) fn create(path: PathBuf) -> Result<PathBuf> {
    fs::File::create(&path)?;
    Ok(path)
}

/// The log as stdout and stderr of a child that appends to it.
pub(super) fn append(path: &Path) -> Result<(File, File)> {
    let file = fs::File::options().create(true).append(true).open(path)?;
    Ok((file.file().try_clone()?, file.into_file()))
}

/// The end of the log, with its path.
pub(super) fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let end = run::tail(&text, TAIL_LINES);
    format!("--- the end of {}:\n{end}", path.display())
}
