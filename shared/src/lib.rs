//! The pure core of Ferrotype: what is true wherever it runs.
//!
//! Three nouns carry everything: [`asset`] (a file someone uploaded or generated), [`job`] (work on an asset) and
//! [`event`] (something that happened, numbered). Two verbs decide everything: [`job::step`] (what a command does to a
//! job) and [`image::VariantSpec::geometry`] (what a variant looks like). One table is the contract: [`api`].
//!
//! Invariant: nothing here reads a clock, draws a random number or does I/O. Time, randomness and configuration are
//! arguments; `clippy.toml` beside this crate enforces it.
#![warn(missing_docs)]

pub mod api;
pub mod asset;
pub mod auth;
pub mod event;
pub mod id;
pub mod image;
pub mod job;
pub mod key;
pub mod kind;
pub mod message;
pub mod problem;
pub mod sign;
pub mod time;
pub mod video;
pub mod words;
pub mod worker;
