//! Maps a method and a path to an operation.

use crate::api::{Method, Op};

/// A matched operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The operation.
    pub op: Op,
    /// Values of the path parameters, in the order of the template.
    pub params: Vec<String>,
}

/// Why no operation matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Miss {
    /// No operation has this path.
    Path,
    /// The path exists, but only with these methods.
    Method(Vec<&'static str>),
}

/// Lookup over the contract table.
#[derive(Debug)]
pub struct Routes {
    paths: matchit::Router<Vec<Op>>,
}

impl Routes {
    /// Builds the lookup; `None` if two templates of the table conflict (a test proves that they do not).
    #[must_use]
    pub fn new() -> Option<Self> {
        let mut paths = matchit::Router::new();
        for &op in Op::ALL {
            let same_path: Vec<Op> = Op::ALL
                .iter()
                .copied()
                .filter(|other| other.path() == op.path())
                .collect();
            if same_path.first() == Some(&op) {
                paths.insert(op.path(), same_path).ok()?;
            }
        }
        Some(Self { paths })
    }

    /// Finds the operation of a request. `path` is as sent: segments are not decoded, so an encoded slash stays in its
    /// segment.
    ///
    /// # Errors
    ///
    /// [`Miss`] if no operation has this path, or none has this path and method.
    pub fn find(&self, method: &str, path: &str) -> Result<Route, Miss> {
        let found = self.paths.at(path).map_err(|_| Miss::Path)?;
        let wanted = if method == "HEAD" {
            Method::Get.as_str()
        } else {
            method
        };
        match found.value.iter().find(|op| op.method().as_str() == wanted) {
            Some(&op) => Ok(Route {
                op,
                params: found
                    .params
                    .iter()
                    .map(|(_, value)| value.to_owned())
                    .collect(),
            }),
            None => Err(Miss::Method(allowed(found.value))),
        }
    }

    /// Methods allowed for `path`; empty if no operation has it.
    #[must_use]
    pub fn allowed(&self, path: &str) -> Vec<&'static str> {
        self.paths
            .at(path)
            .map(|found| allowed(found.value))
            .unwrap_or_default()
    }
}

fn allowed(ops: &[Op]) -> Vec<&'static str> {
    let mut methods: Vec<&'static str> = ops.iter().map(|op| op.method().as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    methods
}
