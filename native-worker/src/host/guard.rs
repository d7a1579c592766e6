//! Guards: a worker takes no jobs while disk space or memory is short.

use std::fmt::Display;

use crate::config::Config;
use crate::host::memory;
use crate::host::scratch;
use crate::setting::{MEMORY_FREE_MIN_BYTES, SCRATCH};

/// The reasons to take no jobs now. They name the setting and the folder.
pub(crate) fn obstacles(config: &Config) -> Vec<String> {
    let disk = check_disk(config, 0).map_err(|why| of_folder(config, &why));
    let memory = check_memory(config);
    disk.err().into_iter().chain(memory.err()).collect()
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

/// Whether enough memory is available. The error is the reason.
pub(crate) fn check_memory(config: &Config) -> Result<(), String> {
    let needed = config.memory_free_min_bytes;
    match memory::available_bytes() {
        Some(free) if free < needed => Err(format!(
            "{}: {free} bytes of memory are available, but {needed} are required",
            MEMORY_FREE_MIN_BYTES.name
        )),
        Some(_) | None => Ok(()),
    }
}

/// A reason with the setting and the path of the scratch folder.
pub(crate) fn of_folder(config: &Config, why: &dyn Display) -> String {
    format!("{}={}: {why}", SCRATCH.name, config.scratch.display())
}
