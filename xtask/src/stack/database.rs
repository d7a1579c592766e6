//! The local D1 database: migrations applied once per state, from a template when another state had them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::config::Config;
use super::edge::Wrangler;
use crate::paths::Paths;
use crate::{run, stamp};

/// Where wrangler keeps D1 under its persistence folder.
const FOLDER: &str = "wrangler/v3/d1";

/// Brings the database of `state` up to date.
pub(super) fn migrate(
    paths: &Paths,
    wrangler: &Wrangler,
    config: &Config,
    state: &Path,
) -> Result<()> {
    let Some(migrations) = &config.migrations else {
        return Ok(());
    };
    let digest = stamp::digest(migrations, &["."], &[])?;
    let done = state.join("migrated");
    if stamp::is_fresh(&done, &digest) {
        return Ok(());
    }
    let (database, template) = (state.join(FOLDER), template(paths, &digest));
    let is_new = !database.exists();
    if is_new && template.is_dir() {
        copy(&template, &database)?;
        return stamp::write(&done, &digest);
    }
    let mut command = wrangler.command(config);
    command
        .args(["d1", "migrations", "apply", "DB", "--local", "--persist-to"])
        .arg(state.join("wrangler"));
    run::step("applying the D1 migrations", &mut command)?;
    if is_new {
        keep(&database, &template)?;
    }
    stamp::write(&done, &digest)
}

/// An empty, migrated database: applying takes two seconds, copying none, and tests start many stacks.
fn template(paths: &Paths, digest: &str) -> PathBuf {
    let name: String = digest.chars().take(16).collect();
    paths.private.join("templates").join(format!("d1-{name}"))
}

fn keep(database: &Path, template: &Path) -> Result<()> {
    let fresh = template.with_extension(format!("new-{}", std::process::id()));
    copy(database, &fresh)?;
    if fs::rename(&fresh, template).is_err() {
        // Another stack was first: its template is as good.
        fs::remove_dir_all(&fresh).with_context(|| format!("cannot remove {}", fresh.display()))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot write {}", target.display()))?;
        }
    }
    Ok(())
}
