//! Harness of the black-box tests: clients, workers, operators and power cuts on a real stack.
//!
//! [`Stack`] is one stack with its own state, started by `cargo xtask dev`. [`Client`] uses plain HTTP and JSON, so that
//! it cannot share a mistake with the code under test. [`Events`] reads the event stream with an independent parser.
//! [`Token`] makes valid and invalid tokens. [`Bucket`] reads and writes the buckets.
//!
//! [`clip`] generates media files and examines results with ffmpeg.
//!
//! Every answer and every event that passes through the harness is validated against `docs/openapi.json`.
#![warn(missing_docs)]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a harness of tests: a panic with its message is how it reports"
)]

mod bucket;
mod client;
pub mod clip;
mod contract;
mod process;
mod sse;
mod stack;
mod timer;
mod token;

pub use bucket::Bucket;
pub use client::{Answer, Client, Created};
pub use clip::Clip;
pub use sse::{Event, Events, Line};
pub use stack::{Options, Shared, Stack, shared, shared_with_worker};
pub use timer::waited_since;
pub use token::{Token, dev_key};

use std::path::{Path, PathBuf};

/// The checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the checkout")
        .to_path_buf()
}

/// A file of `tests/fixtures`.
#[must_use]
pub fn fixture(name: &str) -> Vec<u8> {
    let path = root().join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
}
