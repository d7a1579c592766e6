//! [`Scratch`]: the folder of one attempt. It is removed when the attempt ends, however it ends.
//!
//! The worker holds a lock on the folder (`flock` on the folder itself), so several workers may share a root: the sweep at
//! start removes only folders that no worker holds.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock, statvfs};
use rustix::io::Errno;
use shared::id::JobId;

/// Tries to create a folder: the sweep of another worker may remove it before it is locked.
const TRIES: u32 = 5;

/// The folder of an attempt. It is removed on drop.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    /// Holds the lock.
    _lock: File,
}

impl Scratch {
    /// Creates the empty folder of an attempt.
    ///
    /// # Errors
    ///
    /// If the folder cannot be created or locked.
    pub fn new(root: &Path, job: JobId, attempt: u32) -> io::Result<Self> {
        let path = root.join(format!("{job}-{attempt}"));
        for _ in 0..TRIES {
            make(&path)?;
            let lock = File::open(&path)?;
            // Trap: a sweep may have locked or removed the folder before it was opened.
            if try_lock(&lock)? && is_same(&lock, &path) {
                return Ok(Self { path, _lock: lock });
            }
        }
        Err(io::Error::other("another worker uses the folder"))
    }

    /// Path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "a scratch folder was not removed; the next start removes it");
        }
    }
}

/// Creates the root and removes the folders of attempts that no worker holds. Returns how many were removed.
///
/// # Errors
///
/// If the root cannot be created or read.
pub fn sweep(root: &Path) -> io::Result<u32> {
    make(root)?;
    let mut removed = 0;
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if !is_attempt(&entry.file_name().to_string_lossy()) {
            continue;
        }
        // An error means that its worker or another sweep has just removed it.
        let Ok(lock) = File::open(entry.path()) else {
            continue;
        };
        if try_lock(&lock)? && std::fs::remove_dir_all(entry.path()).is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Free bytes of the disk.
///
/// # Errors
///
/// If the folder does not exist or cannot be read.
pub fn free_bytes(root: &Path) -> io::Result<u64> {
    let stat = statvfs(root)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Bytes of disk space that the files in a folder use. Files that are removed meanwhile count as 0.
#[must_use]
pub fn used_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => used_bytes(&entry.path()),
            // Holes use no space. Blocks that some file systems reserve behind the end of a file are not counted.
            Ok(metadata) => {
                let end = metadata.len().next_multiple_of(4_096);
                metadata.blocks().saturating_mul(512).min(end)
            }
            Err(_) => 0,
        })
        .sum()
}

/// Creates a folder that only its owner may read, because originals may be private.
fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Locks `folder`. Returns false if another worker holds the lock.
fn try_lock(folder: &File) -> io::Result<bool> {
    match flock(folder, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether `path` still names the opened folder.
fn is_same(opened: &File, path: &Path) -> bool {
    let (Ok(opened), Ok(named)) = (opened.metadata(), std::fs::metadata(path)) else {
        return false;
    };
    (opened.dev(), opened.ino()) == (named.dev(), named.ino())
}

/// Whether a name is that of an attempt's folder: `{job}-{attempt}`.
fn is_attempt(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(job, attempt)| {
        job.parse::<JobId>().is_ok() && attempt.parse::<u32>().is_ok()
    })
}
