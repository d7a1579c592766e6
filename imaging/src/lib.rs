//! The image codec: turns an image file into the variants of an [`ImagePlan`], as WebP and, natively, as AVIF.
//!
//! The crate has two builds: a wasm module for the edge (see `wasm`) and this native library. Both run the same code:
//!
//! 1. `probe` recognises the format and reads the header.
//! 2. `admit` estimates the memory and compares it with the plan.
//! 3. `decode` decodes the pixels, at the size that `scale` chose.
//! 4. For each variant, `pixels` resizes the image, turns it upright and converts it to sRGB, and `encode` writes the
//!    file.
//!
//! [`Session`] runs these steps in order.
//!
//! Invariant: nothing the size of the image is allocated before its header is read and its memory is estimated.
//! Invariant: outputs are re-encoded pixels. No metadata of the source reaches an output.
//!
//! [`ImagePlan`]: shared::image::ImagePlan
#![warn(missing_docs)]

mod admit;
mod bytes;
mod decode;
mod encode;
mod fault;
mod format;
#[cfg(not(target_arch = "wasm32"))]
mod heif;
mod number;
mod pixels;
mod probe;
mod reader;
mod scale;
mod session;
#[cfg(not(target_arch = "wasm32"))]
mod tiff;

#[cfg(target_arch = "wasm32")]
mod wasm;

pub use admit::{Probe, Summary, probe};
pub use format::Format;
pub use session::Session;
