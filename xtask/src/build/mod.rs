//! Builds of the edge's two modules and of the native worker, skipped if none of their inputs has changed.

mod artefact;
mod bindings;
mod modules;
pub mod native;

use std::path::PathBuf;

use anyhow::Result;

pub(crate) use artefact::{Artefact, announce};
pub(crate) use modules::c_compiler;

use crate::lock::Lock;
use crate::paths::Paths;
use crate::run::Background;
use crate::setup::{self, Tools};

/// How much a build is optimized. Each profile has its own output folders, so that neither replaces the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Cargo's `dev`, for stacks on this machine: quick to build, and with the same compiled dependencies as the tests.
    Local,
    /// What production runs.
    Release,
}

impl Profile {
    /// The profile that a flag chooses.
    #[must_use]
    pub const fn of(is_release: bool) -> Self {
        if is_release {
            Self::Release
        } else {
            Self::Local
        }
    }

    /// Folder of the edge's modules, `build/` and `imaging.wasm`, and of the scripts in `entry/` that import them. For a release
    /// it is the one that `wrangler.toml` names.
    pub(crate) fn edge(self, paths: &Paths) -> PathBuf {
        match self {
            Self::Local => paths.private.join("edge"),
            Self::Release => paths.root.join("edge"),
        }
    }

    /// Folder of the native programs.
    fn programs(self, paths: &Paths) -> PathBuf {
        paths.target.join(match self {
            Self::Local => "debug",
            Self::Release => "native",
        })
    }

    /// Its name in the names of stamps.
    const fn word(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Release => "release",
        }
    }
}

/// Sets up what `purpose` needs and builds the edge's modules meanwhile; one build at a time per checkout.
///
/// # Errors
///
/// When something cannot be installed or a build fails; the error contains what was printed.
pub fn ensure(paths: &Paths, purpose: setup::For, profile: Profile) -> Result<Tools> {
    setup::ensure_target(paths)?;
    let _lock = Lock::wait(&paths.private.join("build.lock"), "a build")?;
    let setup = Background::start({
        let paths = paths.clone();
        move || setup::ensure(&paths, purpose)
    });
    let edge = modules::compile(paths, profile, Artefact::Edge);
    // The rest needs a C compiler and the npm tools. Joined before any error is returned, so that no installer outlives this
    // process.
    let tools = setup.join()?;
    if let Some(edge) = edge? {
        modules::finish_edge(paths, profile, &edge)?;
    }
    if let Some(codec) = modules::compile(paths, profile, Artefact::Codec)? {
        modules::finish_codec(paths, profile, &codec)?;
    }
    Ok(tools)
}

/// Whether the edge's modules are built from the current sources.
///
/// # Errors
///
/// When a source cannot be read.
pub(crate) fn has_fresh_modules(paths: &Paths, profile: Profile) -> Result<bool> {
    for module in [Artefact::Edge, Artefact::Codec] {
        if module.stale(paths, profile)?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}
