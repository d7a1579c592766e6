//! The wrangler files of one stack: copies of the checkout's with absolute paths, and the variables beside them.
//!
//! Wrangler gives `--var` and `--env-file` to the first of several configurations only, but reads `.dev.vars` beside each of
//! them. Copies in the state folder therefore reach both scripts, separate any number of stacks of one checkout, and leave
//! the checkout unchanged.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use serde_json::Value;

/// The scripts of the edge, the one that answers requests first.
const FILES: [&str; 2] = ["wrangler.toml", "wrangler.images.toml"];

/// Keys whose value is a path relative to the file.
const PATH_KEYS: [&str; 3] = [SCRIPT_KEY, "directory", MIGRATIONS_KEY];
const SCRIPT_KEY: &str = "main";
const MIGRATIONS_KEY: &str = "migrations_dir";

/// The written configuration.
#[derive(Debug)]
pub(super) struct Config {
    /// Folder of the copies, wrangler's working directory.
    pub(super) folder: PathBuf,
    /// Names of the copies in it.
    pub(super) files: Vec<&'static str>,
    /// Folder of the D1 migrations.
    pub(super) migrations: PathBuf,
}

/// Writes copies of the wrangler files in `root` into `state/config`. Scripts of the edge are those in the folder `edge`.
pub(super) fn write(root: &Path, edge: &Path, state: &Path) -> Result<Config> {
    let folder = state.join("config");
    fs::create_dir_all(&folder)?;
    let files = FILES.into_iter().filter(|name| root.join(name).is_file());
    let files: Vec<&'static str> = files.collect();
    let mut migrations = None;
    for name in &files {
        let text = fs::read_to_string(root.join(name))?;
        fs::write(folder.join(name), absolute(&text, root, edge))?;
        migrations =
            migrations.or_else(|| value(&text, MIGRATIONS_KEY).map(|path| root.join(path)));
    }
    match migrations {
        Some(migrations) => Ok(Config {
            folder,
            files,
            migrations,
        }),
        None => bail!("no wrangler.toml with a D1 database in {}", root.display()),
    }
}

/// Writes the variables of both scripts; later ones win.
pub(super) fn write_vars(folder: &Path, vars: &[(String, String)]) -> Result<()> {
    let lines = vars.iter().map(|(key, value)| line(key, value));
    let text: String = lines.collect::<Result<_>>()?;
    let path = folder.join(".dev.vars");
    let _ = fs::remove_file(&path);
    let mut options = fs::File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// One line of the dotenv dialect: with the first kind of quotes that the value does not contain.
fn line(key: &str, value: &str) -> Result<String> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if key.is_empty() || !key.chars().all(is_letter) {
        bail!("`{key}` is not the name of a variable: letters, digits and underscores only");
    }
    // Double quotes come last and only without backslashes: the dialect expands \n inside them.
    let mut quotes = ['\'', '`', '"'].into_iter();
    match quotes.find(|quote| !value.contains(*quote)) {
        Some(quote) if !value.contains(['\n', '\r']) && (quote != '"' || !value.contains('\\')) => {
            Ok(format!("{key}={quote}{value}{quote}\n"))
        }
        _ => bail!(
            "the value of {key} cannot be passed on: it has line breaks or every kind of quotes"
        ),
    }
}

/// The file with absolute paths. Our own files have each of these keys on a line of its own.
fn absolute(text: &str, root: &Path, edge: &Path) -> String {
    let line = |line: &str| {
        let found = PATH_KEYS
            .iter()
            .find_map(|key| Some((key, value(line, key)?)));
        match found {
            // A JSON string is a TOML string.
            Some((key, path)) => {
                let script = path.strip_prefix("edge/").filter(|_| *key == SCRIPT_KEY);
                let path = script.map_or_else(|| root.join(path), |script| edge.join(script));
                format!("{key} = {}\n", Value::from(path.to_string_lossy()))
            }
            None => format!("{line}\n"),
        }
    };
    text.lines().map(line).collect()
}

/// The string value of `key`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(key)?.trim_start().strip_prefix('=')?;
        value.trim().strip_prefix('"')?.strip_suffix('"')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_absolute() {
        let text = "main = \"edge/main.mjs\"\nmain_module = \"x\"\n[assets]\ndirectory = \"web/dist\"\n\
                    [[d1_databases]]\nbinding = \"DB\"\nmigrations_dir = \"edge/migrations\"\n";
        let copy = text
            .replace("edge/main", "/built/main")
            .replace("edge/migrations", "/checkout/edge/migrations")
            .replace("web/", "/checkout/web/");
        assert_eq!(
            absolute(text, Path::new("/checkout"), Path::new("/built")),
            copy
        );
        let peer = absolute("main = \"x.mjs\"", Path::new("/peer"), Path::new("/built"));
        assert_eq!(peer, "main = \"/peer/x.mjs\"\n");
    }

    #[test]
    fn values_are_quoted_so_that_nothing_in_them_is_read_as_syntax() {
        assert_eq!(line("A", "x=$HOME #1").unwrap(), "A='x=$HOME #1'\n");
        assert_eq!(line("A", "it's").unwrap(), "A=`it's`\n");
        assert_eq!(line("A", "'`").unwrap(), "A=\"'`\"\n");
        assert!(line("A", "one\ntwo").is_err());
        assert!(line("A-B", "x").is_err());
    }
}
