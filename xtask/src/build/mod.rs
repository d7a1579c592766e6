//! Builds of the two wasm modules and of the native worker, skipped when nothing that goes into them has changed.

mod codec;
mod edge;
pub mod native;

use anyhow::Result;

pub(crate) use codec::environment as codec_environment;

use crate::lock::Lock;
use crate::paths::Paths;

/// Builds the edge script and the codec module; one build at a time per checkout.
pub fn ensure(paths: &Paths) -> Result<()> {
    let _lock = Lock::wait(&paths.private.join("build.lock"), "a build")?;
    codec::ensure(paths)?;
    edge::ensure(paths)
}

/// What goes into every build, beside the crates themselves.
const COMMON_INPUTS: [&str; 4] = [
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    "rust-toolchain.toml",
];
