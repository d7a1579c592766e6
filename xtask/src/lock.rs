//! File locks: one set-up, one build or one stack at a time. The system releases a lock when its holder dies.

use std::fs::TryLockError;
use std::path::Path;

use anyhow::{Context as _, Result};
use fs_err::{self as fs, File};

use crate::say;

/// Held until dropped.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until the lock is free, with a note while it is not. `what` names the work that it guards.
    ///
    /// # Errors
    ///
    /// When the file cannot be created or locked.
    pub fn wait(path: &Path, what: &str) -> Result<Self> {
        if let Some(lock) = Self::try_now(path)? {
            return Ok(lock);
        }
        say::note(format_args!(
            "  ..  waiting: another process holds the lock for {what}"
        ));
        let file = open(path)?;
        file.file()
            .lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Self { _file: file })
    }

    /// Takes the lock if it is free; `None` if it is not.
    ///
    /// # Errors
    ///
    /// When the file cannot be created or locked.
    pub fn try_now(path: &Path) -> Result<Option<Self>> {
        let file = open(path)?;
        match file.file().try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

fn open(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    Ok(options.open(path)?)
}
