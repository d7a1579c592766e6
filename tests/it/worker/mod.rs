//! Stories in which the test is the native worker: it pulls, claims and ends jobs over HTTP, as any worker would.
//!
//! They share a stack without a native worker, and take turns: there is one queue, and each hint in it goes to whoever pulls.

mod admin;
mod fence;
mod handover;
mod life;
mod pull;
mod turn;
