//! The local D1 database: migrations are applied once per state, from a template if another state had them applied before.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use fs_err as fs;

use super::config::Config;
use super::edge::Wrangler;
use crate::paths::Paths;
use crate::{run, stamp};

/// Where wrangler keeps D1 in a state.
const FOLDER: &str = "wrangler/v3/d1";

/// Brings the database of `state` up to date.
pub(super) fn migrate(
    paths: &Paths,
    wrangler: &Wrangler,
    config: &Config,
    state: &Path,
) -> Result<()> {
    let digest = stamp::digest(&config.migrations, &["."], &[])?;
    let done = state.join("migrated");
    if stamp::is_fresh(&done, &digest) {
        return Ok(());
    }
    // An empty, migrated database: applying takes two seconds, copying none, and the tests start many stacks.
    let name = format!("d1-{}", digest.get(..16).unwrap_or(&digest));
    let template = paths.private.join("templates").join(name);
    let database = state.join(FOLDER);
    let is_new = !database.exists();
    if is_new && template.is_dir() {
        copy(&template, &database)?;
        return stamp::write(&done, &digest);
    }
    let mut command = wrangler.command(config);
    command
        .args("d1 migrations apply DB --local --persist-to".split(' '))
        .arg(state.join("wrangler"));
    run::step("applying the D1 migrations", &mut command)?;
    if is_new {
        let fresh = template.with_extension(format!("new-{}", std::process::id()));
        copy(&database, &fresh)?;
        if fs::rename(&fresh, &template).is_err() {
            // Another stack was faster: its template is as good.
            fs::remove_dir_all(&fresh)?;
        }
    }
    stamp::write(&done, &digest)
}

/// Copies a folder to a path that does not exist yet.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut command = Command::new("cp");
    command.arg("-R").args([from, to]);
    run::capture(&mut command).map(drop)
}
