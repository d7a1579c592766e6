//! Decodes pixels, at the smallest size that the variants allow. One module per format.

mod decoded;
mod frame;
mod gif;
#[cfg(not(target_arch = "wasm32"))]
mod heif;
mod jpeg;
mod png;
#[cfg(not(target_arch = "wasm32"))]
mod tiff;
mod webp;

use shared::problem::Failure;

use crate::fault;
use crate::format::Format;
use crate::probe::header::{Coding, Header};
use crate::scale::Shrink;

pub(crate) use decoded::Decoded;

/// Decodes a file whose header has passed `admit`.
pub(crate) fn decode(data: &[u8], header: &Header, shrink: &Shrink) -> Result<Decoded, Failure> {
    match header.coding {
        Coding::Jpeg { colour, .. } => jpeg::decode(data, shrink, colour),
        Coding::Png { .. } => png::decode(data, header, shrink),
        Coding::WebP { .. } => webp::decode(data, header, shrink),
        Coding::Whole { .. } => match header.format {
            Format::Gif => gif::decode(data),
            #[cfg(not(target_arch = "wasm32"))]
            Format::Tiff => tiff::decode(data),
            #[cfg(not(target_arch = "wasm32"))]
            Format::Avif | Format::Heic => heif::decode(data, header),
            #[cfg(target_arch = "wasm32")]
            Format::Tiff | Format::Avif | Format::Heic => Err(fault::internal("read this format")),
            Format::Jpeg | Format::Png | Format::WebP => Err(fault::internal("find a decoder")),
        },
    }
}
