//! `cargo xtask gen`: the files that are made from the contract table.

use std::fs;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::paths::Paths;
use crate::say;

/// The OpenAPI document.
const OPENAPI: &str = "docs/openapi.json";

/// What to do with the generated files.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Write nothing; fail when a file is not what it would be.
    #[arg(long)]
    check: bool,
}

/// Writes or checks the generated files.
pub(crate) fn run(paths: &Paths, options: &Options) -> Result<()> {
    if options.check {
        return check(paths);
    }
    let file = paths.root.join(OPENAPI);
    fs::write(&file, document()?).with_context(|| format!("cannot write {}", file.display()))?;
    say::line(OPENAPI);
    Ok(())
}

/// Fails when a generated file is stale.
pub(crate) fn check(paths: &Paths) -> Result<()> {
    let found = fs::read_to_string(paths.root.join(OPENAPI)).unwrap_or_default();
    if found == document()? {
        return Ok(());
    }
    bail!("{OPENAPI} is not what the contract table says: run `cargo xtask gen` and commit it")
}

fn document() -> Result<String> {
    let text =
        serde_json::to_string_pretty(&shared::api::openapi()).context("the OpenAPI document")?;
    Ok(text + "\n")
}
