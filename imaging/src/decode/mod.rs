//! From file to pixels, as small as the variants allow. One module per way of decoding.

#[cfg(not(target_arch = "wasm32"))]
mod av1;
#[cfg(not(target_arch = "wasm32"))]
mod heif;
#[cfg(not(target_arch = "wasm32"))]
mod hevc;
mod jpeg;
mod passes;
mod png;
mod rows;
mod webp;
mod ycbcr;

pub(crate) mod other;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod tiff;

use shared::problem::Failure;

use crate::chain::Shrink;
use crate::picture::Picture;
use crate::probe::{Coding, Header};
#[cfg(not(target_arch = "wasm32"))]
use crate::sniff::Format;

/// A decoded source.
pub(crate) struct Decoded {
    /// Pixels as stored: neither upright nor in sRGB yet.
    pub(crate) picture: Picture,
    /// The colour profile that the file carries.
    pub(crate) profile: Option<Vec<u8>>,
}

/// Decodes a file whose header was admitted.
pub(crate) fn decode(data: &[u8], header: &Header, shrink: &Shrink) -> Result<Decoded, Failure> {
    match header.coding {
        Coding::Jpeg { colour, .. } => jpeg::decode(data, shrink, colour),
        Coding::Png { .. } => png::decode(data, header, shrink),
        Coding::WebP { .. } => webp::decode(data, header, shrink),
        #[cfg(not(target_arch = "wasm32"))]
        Coding::Whole { .. } if matches!(header.format, Format::Avif | Format::Heic) => {
            heif::decode(data, header)
        }
        #[cfg(not(target_arch = "wasm32"))]
        Coding::Whole { .. } if header.format == Format::Tiff => tiff::decode(data),
        Coding::Whole { .. } => other::decode(data, header.format),
    }
}
