//! `cargo xtask setup`: everything that the other commands need. Each part looks first and does nothing when
//! its work is done, so that it can be a part of every command.

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

/// The tools that the edge is built and run with.
#[derive(Debug)]
pub struct Tools {
    /// Node 22, which wrangler needs; the machine's own may be older.
    pub node: PathBuf,
}

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Building the modules and checking the sources.
    Build,
    /// Running the stack, the native worker in it.
    Stack,
    /// Running every test, those in a browser among them.
    Tests,
}

/// Sets up what `purpose` takes.
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
