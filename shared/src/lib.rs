//! The pure core of Ferrotype.
#![warn(missing_docs)]

pub mod image;
pub mod problem;
