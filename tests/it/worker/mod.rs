//! Stories in which the test is the native worker: it pulls, claims and ends jobs over HTTP.
//!
//! They share stacks without a native worker and take turns on each, because a stack has one queue and its hints go to any
//! worker.

mod admin;
mod fence;
mod handover;
mod life;
mod pull;
mod replaced;
mod turn;
