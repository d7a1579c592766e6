//! What is built: its inputs, its output, and the stamp that says whether the one is still made from the others.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::{Profile, native};
use crate::paths::Paths;
use crate::{say, stamp};

/// What goes into every build, besides the crates themselves.
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

    /// Crates whose sources go into it, besides `shared`.
    const fn crates(self) -> &'static [&'static str] {
        match self {
            Self::Edge => &["edge"],
            Self::Codec => &["imaging"],
            Self::NativeWorker => &["native-worker", "imaging"],
        }
    }

    /// How long its first build takes on two cores (docs/benchmarks.md).
    const fn first_build(self) -> Duration {
        match self {
            Self::Edge => Duration::from_secs(75),
            Self::Codec => Duration::from_secs(50),
            Self::NativeWorker => Duration::from_secs(200),
        }
    }

    /// The file that must exist once it is built.
    pub(super) fn output(self, paths: &Paths, profile: Profile) -> PathBuf {
        match self {
            Self::Edge => profile.edge(paths).join("build/index.js"),
            Self::Codec => profile.edge(paths).join("imaging.wasm"),
            Self::NativeWorker => profile.programs(paths).join(native::PROGRAM),
        }
    }

    /// The digest to write when it is built; none while it is fresh.
    pub(super) fn stale(self, paths: &Paths, profile: Profile) -> Result<Option<String>> {
        let inputs = [self.crates(), &COMMON_INPUTS].concat();
        let output = self.output(paths, profile);
        // Its place, too: another target folder holds another program.
        let digest = stamp::digest(&paths.root, &inputs, &[&output.to_string_lossy()])?;
        let is_fresh = stamp::is_fresh(&self.stamp(paths, profile), &digest) && output.is_file();
        Ok((!is_fresh).then_some(digest))
    }

    /// Records that it was built from what `digest` stands for.
    pub(super) fn built(self, paths: &Paths, profile: Profile, digest: &str) -> Result<()> {
        stamp::write(&self.stamp(paths, profile), digest)
    }

    fn stamp(self, paths: &Paths, profile: Profile) -> PathBuf {
        let name = format!("stamps/{}-{}", self.package(), profile.word());
        paths.private.join(name)
    }
}

/// Says what of this is not fresh, and about how long its first build takes.
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
            "  ..  to build: {}; for the first time on two cores about {}",
            names.join(", "),
            say::seconds(time)
        ));
    }
    Ok(())
}
