//! Premultiplies colours by their alpha, and divides them again. Resizing mixes neighbouring pixels, and the colours of
//! invisible pixels must not be mixed in.
//!
//! The code is the same on every target. Trap: the resizer's own division compiles to a narrowing instruction of wasm
//! that some compilers get wrong (rust-lang/rust#157456). Here, no value above 255 is narrowed.

use crate::pixels::{Layout, Raster};

/// Multiplies the colours by alpha, in place. Changes only [`Layout::Rgba`].
pub(crate) fn premultiply(mut raster: Raster) -> Raster {
    if raster.layout == Layout::Rgba {
        for [red, green, blue, alpha] in raster.pixels.as_chunks_mut::<4>().0 {
            let weight = u16::from(*alpha);
            for sample in [red, green, blue] {
                *sample = by_255(u16::from(*sample) * weight);
            }
        }
        raster.layout = Layout::Premultiplied;
    }
    raster
}

/// Divides the colours by alpha, in place. Changes only [`Layout::Premultiplied`]. The colours of invisible pixels
/// become 0.
pub(crate) fn divide(mut raster: Raster) -> Raster {
    if raster.layout == Layout::Premultiplied {
        for [red, green, blue, alpha] in raster.pixels.as_chunks_mut::<4>().0 {
            let weight = u16::from(*alpha);
            for sample in [red, green, blue] {
                // Lanczos overshoots at edges, so a colour may exceed its alpha.
                let product = u16::from(*sample).min(weight) * 255;
                *sample = u8::try_from((product + weight / 2).checked_div(weight).unwrap_or(0))
                    .unwrap_or(u8::MAX);
            }
        }
        raster.layout = Layout::Rgba;
    }
    raster
}

/// The product of two bytes divided by 255, rounded.
fn by_255(product: u16) -> u8 {
    // The sum fits, because product ≤ 65 025. The result is exact for every product of two bytes.
    let biased = product + 128;
    u8::try_from((biased + (biased >> 8)) >> 8).unwrap_or(u8::MAX)
}
