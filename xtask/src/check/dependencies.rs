//! Dependency rules: they keep the core pure, the two shells apart, and xtask quick to build.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::paths::Paths;
use crate::run;
use crate::setup::WASM_TARGET;

/// A package and what it must never depend on, separated by spaces; a name that ends with `-` stands for all names that begin
/// with it.
struct Rule {
    package: &'static str,
    never: &'static str,
    because: &'static str,
}

const RULES: [Rule; 5] = [
    Rule {
        package: "shared",
        never: "worker worker- axum tokio aws- reqwest js-sys web-sys wasm-bindgen getrandom",
        because: "the core has no I/O, no clock and no randomness",
    },
    Rule {
        package: "imaging",
        never: "worker worker- axum tokio aws- reqwest js-sys web-sys wasm-bindgen",
        because: "the codec knows bytes and plans only, and its module has no imports",
    },
    Rule {
        package: "edge",
        never: "native-worker xtask bench aws- reqwest rustls ring",
        because: "the shells do not know each other",
    },
    Rule {
        package: "native-worker",
        never: "edge worker worker- xtask bench",
        because: "the shells do not know each other",
    },
    Rule {
        package: "xtask",
        never: "bench imaging utoipa tokio aws- reqwest rustls jpeg-",
        because: "every command of a fresh checkout waits for its build",
    },
];

/// The targets whose dependencies are looked at. The native build of the codec may depend on other systems' libraries on those
/// systems; its module must not.
fn targets(package: &str) -> &'static [&'static str] {
    match package {
        "imaging" => &[
            WASM_TARGET,
            "x86_64-unknown-linux-gnu",
            "aarch64-unknown-linux-gnu",
        ],
        _ => &["all"],
    }
}

/// Checks every rule over normal dependencies.
pub(super) fn check(paths: &Paths) -> Result<()> {
    let mut broken = Vec::new();
    for rule in &RULES {
        let mut cargo = run::cargo(&paths.root);
        cargo
            .args("tree --quiet --edges normal,no-proc-macro --prefix none --format {p}".split(' '))
            .args(["--package", rule.package])
            .args(
                targets(rule.package)
                    .iter()
                    .flat_map(|target| ["--target", target]),
            );
        let tree = run::capture(&mut cargo)?;
        let found = forbidden(&tree, rule.never);
        if !found.is_empty() {
            let found = found.into_iter().collect::<Vec<_>>().join(", ");
            let Rule {
                package, because, ..
            } = rule;
            broken.push(format!("{package} must not depend on {found}: {because}"));
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        bail!("{}", broken.join("\n"))
    }
}

/// Checks that builds of the programs and of the tests enable the same features of each dependency: one that differs, and
/// everything that depends on it, would be compiled twice. `tests/Cargo.toml` can enable what is missing.
pub(super) fn check_features(paths: &Paths) -> Result<()> {
    let tree = |edges: &str| {
        let mut cargo = run::cargo(&paths.root);
        cargo
            .args("tree --quiet --workspace --no-dedupe --prefix none --format".split(' '))
            .args(["{p} [{f}]", "--edges", edges]);
        let tree = run::capture(&mut cargo)?;
        anyhow::Ok(tree.lines().map(str::to_owned).collect::<BTreeSet<_>>())
    };
    let (programs, tests) = (tree("normal,build")?, tree("normal,build,dev")?);
    let differing: Vec<&str> = programs.difference(&tests).map(String::as_str).collect();
    if differing.is_empty() {
        return Ok(());
    }
    bail!(
        "the tests enable other features of these than the programs do:\n{}",
        differing.join("\n")
    )
}

/// The packages of a tree that `never` names. The first line is the package itself.
fn forbidden<'a>(tree: &'a str, never: &str) -> BTreeSet<&'a str> {
    let is_named = |name: &str| {
        never
            .split(' ')
            .any(|rule| name == rule || (rule.ends_with('-') && name.starts_with(rule)))
    };
    tree.lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| is_named(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_and_prefixes_are_found() {
        let tree =
            "worker v0.0.0\nserde v1.0.0\naws-sdk-s3 v1.0.0 (*)\ntokio v1.0.0\ntokio-util v0.7.0\n";
        assert_eq!(
            forbidden(tree, "aws- tokio worker"),
            BTreeSet::from(["aws-sdk-s3", "tokio"])
        );
    }
}
