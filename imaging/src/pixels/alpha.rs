//! Colours times their alpha, and back: resizing mixes pixels, and what is invisible must not mix in.
//!
//! Plain code that is the same on every target. Trap: the resizer's own division is compiled to a wasm
//! narrowing that some compilers get wrong (rust-lang/rust#157456); here no value above 255 is ever narrowed.

use crate::pixels::{Layout, Raster};

/// Multiplies, in place; only [`Layout::Rgba`] changes.
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

/// Divides, in place; only [`Layout::Premultiplied`] changes. Where nothing is visible, colours become 0.
pub(crate) fn divide(mut raster: Raster) -> Raster {
    if raster.layout == Layout::Premultiplied {
        for [red, green, blue, alpha] in raster.pixels.as_chunks_mut::<4>().0 {
            let weight = u16::from(*alpha);
            for sample in [red, green, blue] {
                // Ringing may lift a colour above its alpha.
                let product = u16::from(*sample).min(weight) * 255;
                *sample = u8::try_from((product + weight / 2).checked_div(weight).unwrap_or(0))
                    .unwrap_or(u8::MAX);
            }
        }
        raster.layout = Layout::Rgba;
    }
    raster
}

/// A product of two bytes over 255, rounded.
fn by_255(product: u16) -> u8 {
    // product ≤ 65 025, so that the sum fits; exact for all products of two bytes.
    let biased = product + 128;
    u8::try_from((biased + (biased >> 8)) >> 8).unwrap_or(u8::MAX)
}
