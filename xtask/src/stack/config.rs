//! The wrangler files of one stack: copies of the checkout's with absolute paths, and the variables beside them.
//!
//! Wrangler gives `--var` and `--env-file` to the first of several configurations only, but reads `.dev.vars`
//! beside each of them. Copies in the state folder therefore reach both scripts, keep any number of stacks of
//! one checkout apart, and leave the checkout alone.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use toml_edit::{DocumentMut, Item, Value};

/// The scripts of the edge, the one that answers requests first.
const FILES: [&str; 2] = ["wrangler.toml", "wrangler.images.toml"];

/// Where wrangler's own keys hold a path that is relative to the file.
const PATH_KEYS: [&str; 3] = ["main", "tsconfig", "base_dir"];

/// The written configuration.
#[derive(Debug)]
pub(super) struct Config {
    /// Folder of the copies, wrangler's working directory.
    pub(super) folder: PathBuf,
    /// Names of the copies in it.
    pub(super) files: Vec<&'static str>,
    /// Folder of the D1 migrations, when there is a database.
    pub(super) migrations: Option<PathBuf>,
}

/// Writes the copies into `state/config`.
pub(super) fn write(root: &Path, state: &Path) -> Result<Config> {
    let folder = state.join("config");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let files: Vec<&'static str> = FILES
        .into_iter()
        .filter(|name| root.join(name).is_file())
        .collect();
    let mut migrations = None;
    for name in &files {
        let source = root.join(name);
        let text = fs::read_to_string(&source)
            .with_context(|| format!("cannot read {}", source.display()))?;
        let copy =
            absolute(&text, root).with_context(|| format!("cannot use {}", source.display()))?;
        migrations = migrations.or_else(|| migrations_of(&copy));
        let target = folder.join(name);
        fs::write(&target, copy.to_string())
            .with_context(|| format!("cannot write {}", target.display()))?;
    }
    if files.is_empty() {
        bail!("there is no wrangler.toml in {}", root.display());
    }
    Ok(Config {
        folder,
        files,
        migrations,
    })
}

/// Writes the variables of both scripts; later ones win.
pub(super) fn write_vars(folder: &Path, vars: &[(String, String)]) -> Result<()> {
    let path = folder.join(".dev.vars");
    let lines: Vec<String> = vars
        .iter()
        .map(|(key, value)| line(key, value))
        .collect::<Result<_>>()?;
    let _ = fs::remove_file(&path);
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all((lines.join("\n") + "\n").as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// One line of the dotenv dialect: the first kind of quotes that the value does not contain.
fn line(key: &str, value: &str) -> Result<String> {
    let is_name = !key.is_empty()
        && key
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if !is_name {
        bail!("`{key}` is no name of a variable: letters, digits and underscores only");
    }
    // Double quotes come last and only without backslashes: the dialect expands \n inside them.
    let quote = ['\'', '`', '"']
        .into_iter()
        .find(|quote| !value.contains(*quote));
    match quote {
        Some(quote) if !value.contains(['\n', '\r']) && (quote != '"' || !value.contains('\\')) => {
            Ok(format!("{key}={quote}{value}{quote}"))
        }
        _ => bail!(
            "the value of {key} cannot be passed on: it has line breaks or every kind of quotes"
        ),
    }
}

fn absolute(text: &str, root: &Path) -> Result<DocumentMut> {
    let mut document: DocumentMut = text.parse().context("this is no TOML")?;
    // xtask builds before it starts wrangler.
    document.remove("build");
    for key in PATH_KEYS {
        if let Some(item) = document.get_mut(key) {
            anchor(item, root);
        }
    }
    if let Some(item) = document
        .get_mut("assets")
        .and_then(|assets| assets.get_mut("directory"))
    {
        anchor(item, root);
    }
    if let Some(databases) = document
        .get_mut("d1_databases")
        .and_then(Item::as_array_of_tables_mut)
    {
        for item in databases
            .iter_mut()
            .filter_map(|database| database.get_mut("migrations_dir"))
        {
            anchor(item, root);
        }
    }
    Ok(document)
}

fn anchor(item: &mut Item, root: &Path) {
    if let Some(path) = item.as_str().map(|relative| root.join(relative)) {
        *item = Item::Value(Value::from(path.to_string_lossy().into_owned()));
    }
}

fn migrations_of(document: &DocumentMut) -> Option<PathBuf> {
    let databases = document.get("d1_databases")?.as_array_of_tables()?;
    let folder = databases
        .iter()
        .find_map(|database| database.get("migrations_dir"))?
        .as_str()?;
    Some(PathBuf::from(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_absolute_and_the_build_step_goes() {
        let text = "main = \"edge/main.mjs\"\n[build]\ncommand = \"x\"\n[assets]\ndirectory = \"web/dist\"\n\
                    [[d1_databases]]\nbinding = \"DB\"\nmigrations_dir = \"edge/migrations\"\n";
        let copy = absolute(text, Path::new("/checkout")).unwrap();
        assert_eq!(copy["main"].as_str(), Some("/checkout/edge/main.mjs"));
        assert_eq!(
            copy["assets"]["directory"].as_str(),
            Some("/checkout/web/dist")
        );
        assert!(copy.get("build").is_none());
        assert_eq!(
            migrations_of(&copy),
            Some(PathBuf::from("/checkout/edge/migrations"))
        );
    }

    #[test]
    fn values_are_quoted_so_that_nothing_in_them_is_read_as_syntax() {
        assert_eq!(line("A", "x=$HOME #1").unwrap(), "A='x=$HOME #1'");
        assert_eq!(line("A", "it's").unwrap(), "A=`it's`");
        assert_eq!(line("A", "'`").unwrap(), "A=\"'`\"");
        assert!(line("A", "one\ntwo").is_err());
        assert!(line("A-B", "x").is_err());
    }
}
