//! Where a benchmark of a stack runs: the checkout with its tools, a state of its own, and the request to stop.

use std::path::{Path, PathBuf};

use anyhow::Result;
use client::Client;
use fs_err as fs;
use xtask::build::{self, Profile};
use xtask::paths::Paths;
use xtask::stack::stop::Stop;
use xtask::stack::{self, Stack};
use xtask::{setup, token};

/// The tenant of every user of the benchmarks.
const TENANT: &str = "bench";

/// What a benchmark of a stack needs.
pub(crate) struct Environment<'a> {
    pub(crate) paths: &'a Paths,
    pub(crate) stop: Stop,
    pub(crate) folder: PathBuf,
    tools: setup::Tools,
}

impl<'a> Environment<'a> {
    /// Sets up and builds.
    pub(crate) fn new(paths: &'a Paths, name: &str) -> Result<Self> {
        let tools = build::ensure(paths, setup::For::Stack, Profile::Release)?;
        let folder = format!("bench/{name}-{}", std::process::id());
        Ok(Self {
            paths,
            stop: Stop::listen()?,
            folder: paths.private.join(folder),
            tools,
        })
    }

    /// Starts a stack of the wrangler files in `scripts`, as they are deployed, on the empty state `state`.
    pub(crate) fn stack(
        &self,
        scripts: &Path,
        state: &str,
        vars: Vec<(String, String)>,
    ) -> Result<Stack> {
        let options = stack::Options {
            port: 0,
            state: self.folder.join(state),
            vars,
            profile: Profile::Release,
            worker_vars: Vec::new(),
        };
        Stack::start(scripts, self.paths, &self.tools, &options, &self.stop)
    }

    /// The user `name`.
    pub(crate) fn user(&self, stack: &Stack, name: &str) -> Result<Client> {
        token::client(self.paths, stack.origin(), TENANT, name)
    }

    /// Removes the states; after a failure they remain, with their logs.
    pub(crate) fn clean(&self) -> Result<()> {
        Ok(fs::remove_dir_all(&self.folder)?)
    }
}
