//! Encodes pixels, with one module per format.

#[cfg(not(target_arch = "wasm32"))]
mod avif;
mod webp;

use shared::image::{VariantFormat, VariantSpec};
use shared::problem::Failure;

use crate::pixels::Raster;

/// Encodes an RGB or RGBA image in the format and quality of a variant.
pub(crate) fn encode(raster: &Raster, spec: &VariantSpec) -> Result<Vec<u8>, Failure> {
    match spec.format {
        VariantFormat::Webp => webp::encode(raster, spec.quality),
        #[cfg(not(target_arch = "wasm32"))]
        VariantFormat::Avif => avif::encode(raster, spec.quality),
        #[cfg(target_arch = "wasm32")]
        VariantFormat::Avif => Err(crate::fault::not_encoded()),
    }
}

/// Whether this build can encode a format.
pub(crate) const fn makes(format: VariantFormat) -> bool {
    match format {
        VariantFormat::Webp => true,
        VariantFormat::Avif => cfg!(not(target_arch = "wasm32")),
    }
}
