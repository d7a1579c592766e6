//! No file imports another in a circle.
//!
//! An arrow runs from a file to the file of each module that it names by `crate::`, `super::`, `self::` or by the name of a
//! module that it declares. A module and those inside it are one room: between them there is no arrow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::{entries, root};

/// Module path (`job::view`, empty for the root) → file.
type Modules = BTreeMap<String, String>;

/// Files of a crate's `src`, by the path of their module.
fn modules(source: &Path) -> Modules {
    fn walk(folder: &Path, at: &str, into: &mut Modules) {
        for name in entries(folder, |_| true) {
            let path = folder.join(&name);
            let join = |name: &str| match at {
                "" => name.to_owned(),
                _ => format!("{at}::{name}"),
            };
            if path.is_dir() {
                walk(&path, &join(&name), into);
            } else if let Some(stem) = name.strip_suffix(".rs") {
                let module = match stem {
                    "lib" | "mod" => at.to_owned(),
                    // A second root: it uses the library by its name, and nothing uses it.
                    "main" => join("main"),
                    _ => join(stem),
                };
                into.insert(module, path.to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Modules::new();
    walk(source, "", &mut found);
    found
}

/// Code without comments and without the tests at its end, one statement a line.
fn statements(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code: Vec<&str> = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default().trim())
        .collect();
    code.join(" ").split(';').map(str::to_owned).collect()
}

/// Every path in a statement, groups (`a::{b, c::d}`) written out.
fn paths(statement: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut prefixes: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in statement.chars().chain([' ']) {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | ':' => word.push(c),
            '{' => prefixes.push(std::mem::take(&mut word)),
            _ => {
                let prefix = prefixes.iter().rev().take_while(|one| one.ends_with("::"));
                let whole: String = prefix
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                    .cloned()
                    .collect();
                if !word.is_empty() {
                    found.insert(format!("{whole}{word}"));
                }
                word.clear();
                if c == '}' {
                    prefixes.pop();
                }
            }
        }
    }
    found
}

/// The module that `path`, written in `module`, names: the longest one that has a file.
fn target(
    modules: &Modules,
    module: &str,
    children: &BTreeSet<String>,
    path: &str,
) -> Option<String> {
    let mut segments: Vec<&str> = path.split("::").collect();
    let mut base: Vec<&str> = match *segments.first()? {
        "crate" => Vec::new(),
        "self" | "super" => module.split("::").filter(|one| !one.is_empty()).collect(),
        first if children.contains(first) && segments.len() > 1 => {
            segments.insert(0, "self");
            module.split("::").filter(|one| !one.is_empty()).collect()
        }
        _ => return None,
    };
    for segment in segments {
        match segment {
            "crate" | "self" => {}
            "super" => {
                base.pop();
            }
            other => base.push(other),
        }
    }
    loop {
        let name = base.join("::");
        if modules.contains_key(&name) {
            return Some(name);
        }
        base.pop()?;
    }
}

/// Module → modules that it names.
fn arrows(modules: &Modules) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows = BTreeMap::new();
    for (module, file) in modules {
        let text = std::fs::read_to_string(file).expect("a source file can be read");
        let statements = statements(&text);
        let children: BTreeSet<String> = modules
            .keys()
            .filter_map(|other| {
                let rest = match module.as_str() {
                    "" => Some(other.as_str()),
                    _ => other.strip_prefix(module.as_str())?.strip_prefix("::"),
                }?;
                (!rest.is_empty() && !rest.contains("::")).then(|| rest.to_owned())
            })
            .collect();
        let mut named = BTreeSet::new();
        for statement in &statements {
            for path in paths(statement) {
                let Some(other) = target(modules, module, &children, &path) else {
                    continue;
                };
                if !is_within(&other, module) && !is_within(module, &other) {
                    named.insert(other);
                }
            }
        }
        arrows.insert(module.clone(), named);
    }
    arrows
}

/// Whether `module` is `outer` or inside it.
fn is_within(module: &str, outer: &str) -> bool {
    outer.is_empty()
        || module
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Everything that can be reached from `start` by one arrow or more.
fn reachable(arrows: &BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![start.to_owned()];
    while let Some(module) = open.pop() {
        for next in arrows.get(&module).into_iter().flatten() {
            if seen.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    seen
}

/// Circles of a crate: each a set of files that reach each other.
fn circles(source: &Path) -> BTreeSet<Vec<String>> {
    let modules = modules(source);
    let arrows = arrows(&modules);
    let closure: BTreeMap<&String, BTreeSet<String>> = modules
        .keys()
        .map(|module| (module, reachable(&arrows, module)))
        .collect();
    let reaches =
        |from: &String, to: &String| closure.get(from).is_some_and(|all| all.contains(to));
    let root = root();
    modules
        .keys()
        .filter(|module| reaches(module, module))
        .map(|module| {
            modules
                .iter()
                .filter(|(other, _)| reaches(module, other) && reaches(other, module))
                .map(|(_, file)| {
                    let file = Path::new(file)
                        .strip_prefix(&root)
                        .expect("a file of the checkout");
                    file.to_string_lossy().into_owned()
                })
                .collect()
        })
        .collect()
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let root = root();
    let mut found = Vec::new();
    for krate in entries(&root, |path| path.join("src").is_dir()) {
        found.extend(circles(&root.join(krate).join("src")));
    }
    let lines: Vec<String> = found.iter().map(|circle| circle.join(" ↔ ")).collect();
    assert!(
        found.is_empty(),
        "circles of imports:\n{}",
        lines.join("\n")
    );
}

#[test]
fn groups_are_written_out() {
    let found = paths("use crate::{a::{self, B}, c::D as E}");
    for path in ["crate::a::self", "crate::a::B", "crate::c::D"] {
        assert!(found.contains(path), "{path} is not in {found:?}");
    }
}
