//! Where a benchmark of a stack runs: the checkout with its tools, a state of its own, and the wish to stop.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use xtask::paths::Paths;
use xtask::stack::stop::Stop;
use xtask::stack::{self, Stack};
use xtask::{build, setup};

/// The tenant of every user of the benchmarks.
pub(crate) const TENANT: &str = "bench";

/// What the benchmarks of a stack have at hand.
pub(crate) struct Environment<'a> {
    pub(crate) paths: &'a Paths,
    tools: setup::Tools,
    pub(crate) stop: Stop,
    pub(crate) folder: PathBuf,
}

impl<'a> Environment<'a> {
    /// Sets up and builds.
    pub(crate) fn new(paths: &'a Paths, name: &str) -> Result<Self> {
        let tools = setup::ensure(paths, setup::For::Stack)?;
        build::ensure(paths)?;
        let folder = paths
            .private
            .join("bench")
            .join(format!("{name}-{}", std::process::id()));
        Ok(Self {
            paths,
            tools,
            stop: Stop::listen()?,
            folder,
        })
    }

    /// A fresh stack of the wrangler files in `scripts`, on a state of its own.
    pub(crate) fn stack(&self, scripts: &Path, state: &str) -> Result<Stack> {
        let options = stack::Options {
            port: 0,
            state: self.folder.join(state),
            vars: Vec::new(),
            workers: stack::Workers::default(),
        };
        self.start(scripts, &options)
    }

    /// A fresh stack, as `options` say.
    pub(crate) fn start(&self, scripts: &Path, options: &stack::Options) -> Result<Stack> {
        Stack::start_in(scripts, self.paths, &self.tools, options, &self.stop)
    }

    /// Removes the states; after a failure they stay, with their logs.
    pub(crate) fn clean(&self) -> Result<()> {
        fs::remove_dir_all(&self.folder)
            .with_context(|| format!("cannot remove {}", self.folder.display()))
    }
}
