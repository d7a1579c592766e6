//! Guards: a worker takes no jobs while disk space or memory is short.

use crate::config::Config;
use crate::host::memory;
use crate::host::scratch;

/// The reasons to take no jobs now.
pub(crate) fn obstacles(config: &Config) -> Vec<String> {
    let disk = check_disk(config, 0).err();
    let memory = memory::available_bytes()
        .filter(|free| *free < config.memory_free_min_bytes)
        .map(|free| {
            let needed = config.memory_free_min_bytes;
            format!("{free} bytes of memory are available, but {needed} are required")
        });
    disk.into_iter().chain(memory).collect()
}

/// Whether the disk has room for an original of `size_bytes`, besides the bytes that must stay free. The error is the reason.
pub(crate) fn check_disk(config: &Config, size_bytes: u64) -> Result<(), String> {
    let needed = config.scratch_free_min_bytes.saturating_add(size_bytes);
    match scratch::free_bytes(&config.scratch) {
        Ok(free) if free >= needed => Ok(()),
        Ok(free) => Err(format!(
            "{free} bytes are free in the scratch folder, but {needed} are required"
        )),
        Err(error) => Err(format!("the scratch folder cannot be used: {error}")),
    }
}
