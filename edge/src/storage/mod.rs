//! Object storage.

pub(crate) mod removal;
