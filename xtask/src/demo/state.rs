//! The states of the demo's stacks.

use std::path::Path;

use anyhow::Result;
use fs_err as fs;

use crate::lock::Lock;

/// Removes the states of runs that failed or were killed.
pub(super) fn sweep(home: &Path) -> Result<()> {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let folder = entry.path();
        let is_run = entry.file_name().to_string_lossy().starts_with("run-");
        if is_run && Lock::try_now(&folder.join("lock"))?.is_some() {
            fs::remove_dir_all(&folder)?;
        }
    }
    Ok(())
}
