//! The developer commands of Ferrotype, and what the benchmarks share with them: set-up, builds, local stacks, tokens.
//!
//! Each command first sets up what it needs and is quick about it when nothing is to do. Progress goes to
//! stderr, results to stdout.

pub mod build;
pub mod cli;
pub mod lock;
pub mod paths;
pub mod run;
pub mod say;
pub mod setup;
pub mod stack;
pub mod stamp;
pub mod token;

mod bench;
mod check;
mod demo;
mod dev;
mod test;
