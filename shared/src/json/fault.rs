//! What is wrong with a document, and where.

use std::fmt::{self, Display};

use serde::de::{Error, Expected, Unexpected};

/// Longest part of a client's own text that an error repeats, in characters.
const ECHO_MAX_CHARS: usize = 64;

/// A document that does not have the shape of a type: one fault, with the path of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Path of the value from the root, such as `made.outputs[2].name`; empty for the root.
    path: String,
    wrong: Wrong,
}

/// What is wrong with one value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wrong {
    /// It must be something else.
    Kind(String),
    /// It must be one of these words.
    Word(&'static [&'static str]),
    /// It lacks a field.
    Missing(&'static str),
    /// It has a field that the type does not know.
    Unknown {
        field: String,
        known: &'static [&'static str],
    },
    /// It has a field twice.
    Twice(&'static str),
    /// What the type itself says.
    Other(String),
}

impl Fault {
    const fn new(wrong: Wrong) -> Self {
        Self {
            path: String::new(),
            wrong,
        }
    }

    /// The value must be `expected`: a noun with its article.
    pub(super) fn kind(expected: impl Into<String>) -> Self {
        Self::new(Wrong::Kind(expected.into()))
    }

    /// The same fault, seen from an object that holds the value as `field`.
    pub(super) fn in_field(self, field: &str) -> Self {
        let field = clip(field);
        self.below(field)
    }

    /// The same fault, seen from an array that holds the value at `index`.
    pub(super) fn in_item(self, index: usize) -> Self {
        self.below(format!("[{index}]"))
    }

    /// The same fault, one step further from the root.
    fn below(self, mut step: String) -> Self {
        if !self.path.is_empty() && !self.path.starts_with('[') {
            step.push('.');
        }
        step.push_str(&self.path);
        Self { path: step, ..self }
    }

    /// The same fault of a key: a key that is not one of the words is an unknown field.
    pub(super) fn of_key(self, key: &str) -> Self {
        match self.wrong {
            Wrong::Word(known) => Self::unknown_field(key, known),
            Wrong::Kind(_)
            | Wrong::Missing(_)
            | Wrong::Unknown { .. }
            | Wrong::Twice(_)
            | Wrong::Other(_) => self,
        }
    }

    /// The fault as a sentence without its full stop; `root` names the document itself.
    #[must_use]
    pub fn describe(&self, root: &str) -> String {
        let at = if self.path.is_empty() {
            root
        } else {
            &self.path
        };
        let member = |field: &str| {
            if self.path.is_empty() {
                field.to_owned()
            } else {
                format!("{}.{field}", self.path)
            }
        };
        match &self.wrong {
            Wrong::Kind(expected) => format!("{at} must be {expected}"),
            Wrong::Word(known) => format!("{at} must be one of: {}", known.join(", ")),
            Wrong::Missing(field) => format!("{} is required", member(field)),
            Wrong::Unknown { field, known: [] } => {
                format!(
                    "{} is not a known field: no field is known here",
                    member(field)
                )
            }
            Wrong::Unknown { field, known } => {
                format!(
                    "{} is not a known field; known: {}",
                    member(field),
                    known.join(", ")
                )
            }
            Wrong::Twice(field) => format!("{} is given twice", member(field)),
            Wrong::Other(reason) => format!("{at} is invalid: {reason}"),
        }
    }
}

/// The beginning of a text that may be long.
fn clip(text: &str) -> String {
    if text.chars().nth(ECHO_MAX_CHARS).is_none() {
        return text.to_owned();
    }
    let start: String = text.chars().take(ECHO_MAX_CHARS).collect();
    format!("{start}…")
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe("the document"))
    }
}

impl std::error::Error for Fault {}

/// Called by the code that serde derives. Its `Expected` texts name Rust types, so [`super::reader::Reader`] checks the kind of a
/// value before a visitor sees it; what still arrives here comes from visitors of this crate.
impl Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(Wrong::Other(message.to_string()))
    }

    fn invalid_type(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::kind(expected.to_string())
    }

    fn invalid_value(_found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::kind(expected.to_string())
    }

    fn invalid_length(_length: usize, expected: &dyn Expected) -> Self {
        Self::kind(expected.to_string())
    }

    fn unknown_variant(_variant: &str, known: &'static [&'static str]) -> Self {
        Self::new(Wrong::Word(known))
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        let field = clip(field);
        Self::new(Wrong::Unknown { field, known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Wrong::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(Wrong::Twice(field))
    }
}
