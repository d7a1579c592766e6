//! Stories in which the test is the native worker: it pulls, claims and ends jobs over HTTP.
//!
//! They share a stack without a native worker and take turns, because there is one queue and its hints go to any worker.

mod admin;
mod fence;
mod handover;
mod life;
mod pull;
mod turn;
