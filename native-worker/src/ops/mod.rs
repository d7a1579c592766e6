//! What an operator uses: `--check`, the log, the meters, and the endpoints that show them.

pub mod check;
pub(crate) mod endpoints;
pub mod log;
pub mod meters;
