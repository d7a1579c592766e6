//! The picture codec: takes an image file, gives the variants of an [`ImagePlan`] as WebP, and natively as AVIF.
//!
//! One crate, two builds: a wasm module of its own for the edge (see `abi`) and this native library.
//! Both run the same steps on the same code, one file each: `sniff` the format, `probe` the header,
//! estimate the `memory`, `decode` with the shrink built in, then per variant `resize`, `orient`,
//! `colour` and `encode`; the `placeholder` at the end. [`Session`] puts them in order.
//!
//! Invariant: nothing the size of the image is allocated before its header was read and its memory estimated.
//! Invariant: outputs are re-encoded pixels only; no metadata of the source ever reaches one.
//!
//! [`ImagePlan`]: shared::image::ImagePlan
#![warn(missing_docs)]

mod alpha;
mod bytes;
mod chain;
mod colour;
mod decode;
mod encode;
mod exif;
mod fault;
#[cfg(not(target_arch = "wasm32"))]
mod heif;
mod memory;
mod number;
mod orient;
mod picture;
mod placeholder;
mod probe;
mod resize;
mod session;
mod sniff;

#[cfg(target_arch = "wasm32")]
mod abi;
#[cfg(target_arch = "wasm32")]
mod libc;

pub use probe::{Probe, Summary, probe};
pub use session::Session;
pub use sniff::Format;
