//! Estimates the memory that an image needs, from its header.
//!
//! There are two phases, and the larger one counts: decoding (the file and the buffers of the decoder), then making the
//! variants (the buffers of resizer and encoder), which reuses the memory that decoding has freed. The decoded image is
//! in memory in both. `tests/it/module.rs` compares the estimate with the memory that the wasm module really uses.

use shared::image::{ImagePlan, VariantFormat};

use crate::number;
use crate::probe::header::{Coding, Header};
use crate::scale::Shrink;

/// Static data, stack, tables and small buffers of the wasm module.
const FIXED_BYTES: u64 = 7 * 1024 * 1024;

/// Bytes per pixel of a WebP variant: its pixels, and the planes, tokens and output of the encoder.
const ENCODE_BYTES_PER_PIXEL: u64 = 9;

/// Bytes per pixel of an AVIF variant: its pixels, and rav1e's planes, their copies at lower resolutions and its
/// output.
const AVIF_BYTES_PER_PIXEL: u64 = 40;

/// Bytes per pixel of width for the rows that the decoders of PNG and WebP hold.
const ROWS_BYTES_PER_COLUMN: u64 = 160;

/// Estimated memory in bytes, including the file of `size_bytes`.
pub(crate) fn estimate(header: &Header, size_bytes: u64, shrink: &Shrink, plan: &ImagePlan) -> u64 {
    let decoded = number::area(shrink.width, shrink.height);
    let stored = number::area(header.width, header.height);
    let row = u64::from(header.width) * ROWS_BYTES_PER_COLUMN;
    let (channels, decoding) = match header.coding {
        Coding::Jpeg {
            is_progressive,
            components,
            samples_per_pixel,
            ..
        } => {
            let planes = scaled(decoded, samples_per_pixel);
            let coefficients = if is_progressive {
                scaled(stored, 2.0 * samples_per_pixel)
            } else {
                0
            };
            (u64::from(components), planes.saturating_add(coefficients))
        }
        Coding::Png { channels, .. } => (u64::from(channels), row),
        Coding::WebP {
            is_lossless,
            has_alpha,
            ..
        } => {
            // Lossless frames, and the alpha planes of lossy frames, are decoded at full size.
            let per_pixel = match (is_lossless, has_alpha) {
                (true, _) => 4,
                (false, true) => 5,
                (false, false) => 0,
            };
            (
                if has_alpha { 4 } else { 3 },
                row.saturating_add(stored.saturating_mul(per_pixel)),
            )
        }
        Coding::Whole { buffer_bytes } => (4, buffer_bytes),
    };
    let raster = decoded.saturating_mul(channels);
    let phase = size_bytes
        .saturating_add(decoding)
        .max(variants(header, shrink, plan, channels));
    FIXED_BYTES.saturating_add(raster).saturating_add(phase)
}

/// Bytes of the second phase, without the decoded image.
fn variants(header: &Header, shrink: &Shrink, plan: &ImagePlan, channels: u64) -> u64 {
    let (width, height) = header.shown();
    let (across, encoding) = plan
        .variants
        .iter()
        .fold((0, 0), |(across, encoding), spec| {
            let output = spec.geometry(width, height);
            let (stored_width, _) = header.orientation.turn(output.width, output.height);
            let per_pixel = match spec.format {
                VariantFormat::Webp => ENCODE_BYTES_PER_PIXEL,
                VariantFormat::Avif => AVIF_BYTES_PER_PIXEL,
            };
            let pixels = number::area(output.width, output.height);
            (
                stored_width.max(across),
                pixels.saturating_mul(per_pixel).max(encoding),
            )
        });
    // The first pass of the resizer has as many columns as its output and as many rows as its source.
    let pass = number::area(across, shrink.height).saturating_mul(channels);
    pass.saturating_add(encoding)
}

/// A number of pixels times a factor, rounded down.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "pixel counts are far below 2^52, and the cast of a float saturates"
)]
fn scaled(pixels: u64, factor: f64) -> u64 {
    (pixels as f64 * factor) as u64
}
