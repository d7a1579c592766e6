//! The dependency rules that keep the core pure and the two shells apart.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::paths::Paths;
use crate::run;
use crate::setup::WASM_TARGET;

/// A package and what it must never depend on; a name that ends with `-` stands for all that begin with it.
struct Rule {
    package: &'static str,
    never: &'static [&'static str],
    /// Machines to look at: `all`, or some by name.
    targets: &'static [&'static str],
    because: &'static str,
}

/// What the native build of the codec takes may know other machines' systems; the module must not.
const CODEC_TARGETS: &[&str] = &[
    WASM_TARGET,
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
];
const ALL_TARGETS: &[&str] = &["all"];

const RULES: [Rule; 5] = [
    Rule {
        package: "shared",
        never: &[
            "worker",
            "worker-",
            "axum",
            "tokio",
            "aws-",
            "reqwest",
            "js-sys",
            "web-sys",
            "wasm-bindgen",
            "getrandom",
        ],
        targets: ALL_TARGETS,
        because: "the core has no I/O, no clock and no randomness",
    },
    Rule {
        package: "imaging",
        never: &[
            "worker",
            "worker-",
            "axum",
            "tokio",
            "aws-",
            "reqwest",
            "js-sys",
            "web-sys",
            "wasm-bindgen",
        ],
        targets: CODEC_TARGETS,
        because: "the codec knows bytes and plans only, and its module has no imports",
    },
    Rule {
        package: "edge",
        never: &[
            "native-worker",
            "xtask",
            "bench",
            "aws-",
            "reqwest",
            "rustls",
            "ring",
        ],
        targets: ALL_TARGETS,
        because: "the shells do not meet",
    },
    Rule {
        package: "native-worker",
        never: &["edge", "worker", "worker-", "xtask", "bench"],
        targets: ALL_TARGETS,
        because: "the shells do not meet",
    },
    Rule {
        package: "xtask",
        never: &[
            "bench", "imaging", "tokio", "aws-", "reqwest", "rustls", "jpeg-",
        ],
        targets: ALL_TARGETS,
        because: "every command of a fresh checkout waits for its build",
    },
];

/// What the tree is not followed into: `ulid` brings `web-time` along for `Ulid::new`, a clock that the core never asks;
/// nothing of it reaches a module.
const PRUNED: &str = "web-time";

/// Checks every rule over normal dependencies.
pub(super) fn check(paths: &Paths) -> Result<()> {
    let mut broken = Vec::new();
    for rule in &RULES {
        let mut cargo = run::cargo(&paths.root);
        cargo.args([
            "tree",
            "--quiet",
            "--package",
            rule.package,
            "--edges",
            "normal,no-proc-macro",
        ]);
        cargo.args(rule.targets.iter().flat_map(|target| ["--target", target]));
        cargo.args(["--prefix", "none", "--prune", PRUNED, "--format", "{p}"]);
        let tree = run::capture(&mut cargo)?;
        let found = forbidden(&tree, rule.never);
        if !found.is_empty() {
            broken.push(format!(
                "{} must not depend on {}: {}",
                rule.package,
                found.into_iter().collect::<Vec<_>>().join(", "),
                rule.because
            ));
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        bail!("{}", broken.join("\n"))
    }
}

/// The packages of a tree that the rule names. The first line is the package itself.
fn forbidden<'a>(tree: &'a str, never: &[&str]) -> BTreeSet<&'a str> {
    let matches = |name: &str, rule: &str| {
        if rule.ends_with('-') {
            name.starts_with(rule)
        } else {
            name == rule
        }
    };
    let names = tree
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| never.iter().any(|rule| matches(name, rule)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_and_families_are_found() {
        let tree =
            "worker v0.0.0\nserde v1.0.0\naws-sdk-s3 v1.0.0 (*)\ntokio v1.0.0\ntokio-util v0.7.0\n";
        assert_eq!(
            forbidden(tree, &["aws-", "tokio", "worker"]),
            BTreeSet::from(["aws-sdk-s3", "tokio"])
        );
    }
}
