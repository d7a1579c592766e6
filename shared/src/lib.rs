//! The pure core of Ferrotype: all logic that is independent of where it runs.
//!
//! Start with the three nouns [`asset`] (an uploaded or generated file), [`job`] (work on an asset) and [`event`] (something
//! that happened, numbered). [`job::step`](job::step()) decides every change of a job, [`image`] and [`video`] decide which
//! outputs are made, and [`api`] is the HTTP contract: one table of operations.
//!
//! Invariant: nothing here reads a clock, generates a random number or does I/O. Time, randomness and configuration are
//! arguments. This crate's `clippy.toml` enforces it.
#![warn(missing_docs)]

pub mod api;
pub mod asset;
pub mod auth;
pub mod delivery;
pub mod event;
pub mod id;
pub mod image;
pub mod job;
pub mod json;
pub mod key;
pub mod kind;
pub mod message;
pub mod problem;
pub mod sign;
pub mod time;
pub mod video;
pub mod words;
pub mod worker;
