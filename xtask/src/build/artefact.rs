//! What is built: its inputs, its output, and the stamp that records which inputs the output was made from.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::{Profile, native};
use crate::paths::Paths;
use crate::{say, stamp};

/// Inputs of every build, besides the crates themselves.
const COMMON_INPUTS: [&str; 7] = [
    "shared/src",
    "shared/Cargo.toml",
    "Cargo.toml",
    "Cargo.lock",
    ".cargo/config.toml",
    "rust-toolchain.toml",
    "package-lock.json",
];

/// Something that the stack runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Artefact {
    /// The script of the edge, with its wasm module.
    Edge,
    /// The codec's wasm module.
    Codec,
    /// The native worker's program.
    NativeWorker,
}

impl Artefact {
    pub(super) const fn package(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Codec => "imaging",
            Self::NativeWorker => native::PROGRAM,
        }
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Edge => "building the edge",
            Self::Codec => "building the codec",
            Self::NativeWorker => "building the native worker",
        }
    }

    /// The crates that it is built from, besides `shared`.
    const fn crates(self) -> &'static [&'static str] {
        match self {
            Self::Edge => &["edge"],
            Self::Codec => &["imaging"],
            Self::NativeWorker => &["native-worker", "imaging"],
        }
    }

    /// Duration of its first build on two cores (docs/benchmarks.md).
    const fn first_build(self) -> Duration {
        match self {
            Self::Edge => Duration::from_secs(75),
            Self::Codec => Duration::from_secs(50),
            Self::NativeWorker => Duration::from_secs(200),
        }
    }

    /// The file that exists once it is built.
    pub(super) fn output(self, paths: &Paths, profile: Profile) -> PathBuf {
        match self {
            Self::Edge => profile.edge(paths).join("build/index.js"),
            Self::Codec => profile.edge(paths).join("imaging.wasm"),
            Self::NativeWorker => profile.programs(paths).join(native::PROGRAM),
        }
    }

    /// The digest to record once it is built; `None` if it is fresh.
    pub(super) fn stale(self, paths: &Paths, profile: Profile) -> Result<Option<String>> {
        let inputs = [self.crates(), &COMMON_INPUTS].concat();
        let output = self.output(paths, profile);
        // The output's path as well: another target folder contains another program.
        let digest = stamp::digest(&paths.root, &inputs, &[&output.to_string_lossy()])?;
        let is_fresh = stamp::is_fresh(&self.stamp(paths, profile), &digest) && output.is_file();
        Ok((!is_fresh).then_some(digest))
    }

    /// Records that it was built from the inputs with this digest.
    pub(super) fn built(self, paths: &Paths, profile: Profile, digest: &str) -> Result<()> {
        stamp::write(&self.stamp(paths, profile), digest)
    }

    fn stamp(self, paths: &Paths, profile: Profile) -> PathBuf {
        let name = format!("stamps/{}-{}", self.package(), profile.word());
        paths.private.join(name)
    }
}

/// Lists which of these are stale, with an estimate of their first build.
pub(crate) fn announce(paths: &Paths, artefacts: &[Artefact]) -> Result<()> {
    let mut stale = Vec::new();
    for artefact in artefacts {
        if artefact.stale(paths, Profile::Local)?.is_some() {
            stale.push(artefact);
        }
    }
    if !stale.is_empty() {
        let names: Vec<&str> = stale.iter().map(|artefact| artefact.package()).collect();
        let time = stale.iter().map(|artefact| artefact.first_build()).sum();
        say::note(format_args!(
            "  ..  to build: {} (about {} for the first time on two cores)",
            names.join(", "),
            say::seconds(time)
        ));
    }
    Ok(())
}
