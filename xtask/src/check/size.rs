//! Size rules: source files that a person can read, and scripts that load fast.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

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

/// Checks tracked sources, and the scripts as far as they are built.
pub(crate) fn check(paths: &Paths) -> Result<()> {
    let mut broken = Vec::new();
    for name in run::capture(Command::new("git").current_dir(&paths.root).arg("ls-files"))?.lines()
    {
        let path = Path::new(name);
        let is_source = path
            .extension()
            .is_some_and(|found| SOURCES.iter().any(|source| found == *source));
        if !is_source || name.contains(GENERATED) {
            continue;
        }
        // A tracked file that was just removed or moved is nobody's problem.
        let Ok(text) = fs::read_to_string(paths.root.join(path)) else {
            continue;
        };
        let lines = text.lines().count();
        if lines > LINES_MAX {
            broken.push(format!(
                "{name} has {lines} lines, {LINES_MAX} are allowed: split it"
            ));
        }
    }
    for (what, files, limit) in BUILT {
        let size = gzip_size(&paths.root, files)?;
        if size > limit {
            broken.push(format!(
                "{what} has {size} bytes after gzip, {limit} are allowed"
            ));
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        bail!("{}", broken.join("\n"))
    }
}

fn gzip_size(root: &Path, files: &[&str]) -> Result<usize> {
    let mut total = 0;
    for file in files {
        let path = root.join(file);
        if path.is_file() {
            let bytes =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&bytes).context("gzip")?;
            total += encoder.finish().context("gzip")?.len();
        }
    }
    Ok(total)
}
