//! A lock file: one set-up, one build or one stack at a time. The system lets go of it when the holder dies.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::say;

/// Held until dropped.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until the lock is free; says so when it is not.
    pub fn wait(path: &Path, what: &str) -> Result<Self> {
        if let Some(lock) = Self::now(path)? {
            return Ok(lock);
        }
        say::note(format_args!(
            "  ..  waiting: {what} is under way in another process"
        ));
        let file = open(path)?;
        file.lock()
            .with_context(|| format!("cannot lock {}", path.display()))?;
        Ok(Self { _file: file })
    }

    /// Takes the lock if it is free at once.
    pub fn now(path: &Path) -> Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
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
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}
