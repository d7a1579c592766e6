//! The one write path of jobs: [`apply()`] reads the row, asks the state machine and writes the decision and everything
//! that follows from it as one guarded batch.
//!
//! Invariant: no other module writes `jobs` (except [`insert`], which creates a job) or an asset's state after its upload.

mod apply;
pub(crate) mod insert;
pub(crate) mod lease;
pub(crate) mod request;
mod write;

pub(crate) use apply::apply;
