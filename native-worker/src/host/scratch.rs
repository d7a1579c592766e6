//! The folders that attempts work in: one each, removed when the attempt ends, however it ends.
//!
//! A folder is locked by the process that works in it (`flock` on the folder itself), so that workers may share a root: the
//! sweep at start removes only what nobody holds.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock, statvfs};
use rustix::io::Errno;
use shared::id::JobId;

/// Tries to make a folder that a sweep of somebody else may take away in the moment before it is locked.
const TRIES: u32 = 5;

/// An attempt's folder. Dropping it removes it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl Scratch {
    /// Makes the folder of one attempt, empty.
    pub fn new(root: &Path, job: JobId, attempt: u32) -> io::Result<Self> {
        let path = root.join(format!("{job}-{attempt}"));
        for _ in 0..TRIES {
            make(&path)?;
            let lock = File::open(&path)?;
            // Trap: between the two lines above, a sweep may have locked or removed it.
            if is_locked_by(&lock)? && is_same(&lock, &path) {
                return Ok(Self { path, _lock: lock });
            }
        }
        Err(io::Error::other("another process keeps taking the folder"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "a scratch folder is left to the next start's sweep");
        }
    }
}

/// Makes the root, and removes folders of attempts whose process is gone. Gives their number.
pub fn sweep(root: &Path) -> io::Result<u32> {
    make(root)?;
    let mut removed = 0;
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if !is_attempt(&entry.file_name().to_string_lossy()) {
            continue;
        }
        // Gone meanwhile: its own process or another sweep removed it.
        let Ok(lock) = File::open(entry.path()) else {
            continue;
        };
        if is_locked_by(&lock)? && std::fs::remove_dir_all(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Bytes that may still be written there.
pub fn free_bytes(root: &Path) -> io::Result<u64> {
    let stat = statvfs(root)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Bytes that lie there now. Files that vanish while it looks count as nothing.
#[must_use]
pub fn used_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => used_bytes(&entry.path()),
            // What lies on the disk: a hole takes nothing, and what some file systems reserve behind the end is not used.
            Ok(metadata) => {
                let end = metadata.len().next_multiple_of(4_096);
                metadata.blocks().saturating_mul(512).min(end)
            }
            Err(_) => 0,
        })
        .sum()
}

/// Only the owner may look: originals may be private.
fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether `folder` is locked by this handle now.
fn is_locked_by(folder: &File) -> io::Result<bool> {
    match flock(folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether `path` still names what was opened.
fn is_same(opened: &File, path: &Path) -> bool {
    let (Ok(opened), Ok(named)) = (opened.metadata(), std::fs::metadata(path)) else {
        return false;
    };
    (opened.dev(), opened.ino()) == (named.dev(), named.ino())
}

/// Whether a folder's name is `{job}-{attempt}`.
fn is_attempt(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(job, attempt)| {
        job.parse::<JobId>().is_ok() && attempt.parse::<u32>().is_ok()
    })
}
