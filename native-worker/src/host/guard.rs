//! Guards: a worker that is short of disk or memory takes no new work.

use crate::config::Config;
use crate::host::memory;
use crate::host::scratch;

/// What stands against new work now.
pub(crate) fn obstacles(config: &Config) -> Vec<String> {
    let disk = check_disk(config, 0).err();
    let memory = memory::available_bytes()
        .filter(|free| *free < config.memory_free_min_bytes)
        .map(|free| {
            let needed = config.memory_free_min_bytes;
            format!("{free} bytes of memory are available, {needed} are needed")
        });
    disk.into_iter().chain(memory).collect()
}

/// Whether the disk has room for an original of `size_bytes`, besides what must stay free.
pub(crate) fn check_disk(config: &Config, size_bytes: u64) -> Result<(), String> {
    let needed = config.scratch_free_min_bytes.saturating_add(size_bytes);
    match scratch::free_bytes(&config.scratch) {
        Ok(free) if free >= needed => Ok(()),
        Ok(free) => Err(format!(
            "{free} bytes are free in the scratch folder, {needed} are needed"
        )),
        Err(error) => Err(format!("the scratch folder cannot be used: {error}")),
    }
}
