//! Size rules: source files that a person can read, and scripts that load fast.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::paths::Paths;
use crate::run;

/// Lines of one source file.
const LINES_MAX: usize = 600;
const SOURCES: [&str; 9] = ["rs", "ts", "tsx", "js", "mjs", "sql", "sh", "css", "h"];
const GENERATED: &str = ".gen.";

/// Built files, their limit together in bytes after gzip, and what they are.
const BUILT: [(&str, &[&str], usize); 2] = [
    (
        "the edge script",
        &["edge/build/index.js", "edge/build/index_bg.wasm"],
        1_000_000,
    ),
    ("the codec module", &["edge/imaging.wasm"], 700_000),
];

/// Checks tracked sources and the built scripts.
pub(super) fn check(paths: &Paths) -> Result<()> {
    let mut broken = Vec::new();
    let tracked = run::capture(Command::new("git").current_dir(&paths.root).arg("ls-files"))?;
    for name in tracked.lines().filter(|name| is_source(name)) {
        // A tracked file may just have been removed or moved.
        let Ok(text) = fs::read_to_string(paths.root.join(name)) else {
            continue;
        };
        let lines = text.lines().count();
        if lines > LINES_MAX {
            broken.push(format!("{name} has {lines} lines, more than {LINES_MAX}"));
        }
    }
    for (what, files, limit) in BUILT {
        let files = files.iter().map(|file| paths.root.join(file));
        let sizes = files.map(|file| gzip_size(&file));
        let size = sizes.sum::<Result<usize>>()?;
        if size > limit {
            broken.push(format!(
                "{what} has {size} bytes after gzip, more than {limit}"
            ));
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        bail!("{}", broken.join("\n"))
    }
}

fn is_source(name: &str) -> bool {
    let extension = Path::new(name).extension();
    let is_source = |found| SOURCES.iter().any(|source| found == *source);
    extension.is_some_and(is_source) && !name.contains(GENERATED)
}

/// Bytes of a file after gzip at its usual level, 6.
fn gzip_size(file: &Path) -> Result<usize> {
    let mut gzip = Command::new("gzip");
    gzip.arg("--stdout").arg(file).stdin(Stdio::null());
    let output = gzip.output().context("cannot start gzip")?;
    if !output.status.success() {
        bail!("gzip {} failed ({})", file.display(), output.status);
    }
    Ok(output.stdout.len())
}
