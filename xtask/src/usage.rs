//! The error of a command that was called in a way it cannot be: exit code 2, like clap's own.

use std::fmt;

/// What is wrong with the call.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
