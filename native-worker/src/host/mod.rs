//! The machine that the worker runs on: its clock, memory, disk and tools, and whether work is possible on it.

pub mod clock;
pub(crate) mod guard;
pub mod health;
pub(crate) mod memory;
pub mod scratch;
pub mod tools;
