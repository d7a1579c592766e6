//! `cargo xtask setup`: everything that the other commands need. Each part does nothing if its work is done, so that every
//! command can include it.

pub(crate) mod cargo_deny;
mod debian;
mod npm;
pub mod python;
mod rust;

use std::path::PathBuf;

use anyhow::Result;

pub(crate) use rust::{WASM_TARGET, ensure_target};

use crate::lock::Lock;
use crate::paths::Paths;

/// The tools that build and run the edge.
#[derive(Debug)]
pub struct Tools {
    /// Node 22, which wrangler needs; the machine's own may be older.
    pub node: PathBuf,
}

/// What the set-up is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Building the modules and checking the sources.
    Build,
    /// Running the stack with native workers.
    Stack,
    /// Running every test, including those in a browser.
    Tests,
}

/// Sets up what `purpose` needs.
///
/// # Errors
///
/// When something is missing and cannot be installed.
pub fn ensure(paths: &Paths, purpose: For) -> Result<Tools> {
    ensure_target(paths)?;
    debian::ensure(purpose)?;
    if purpose == For::Tests {
        python::contract_tester(paths)?;
    }
    let _lock = Lock::wait(&paths.private.join("npm.lock"), "npm")?;
    npm::ensure(paths)?;
    Ok(Tools {
        node: npm::node(paths)?,
    })
}
