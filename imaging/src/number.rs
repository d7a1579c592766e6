//! Conversions between the number types of formats, memory and geometry.

/// A length as an index. Lossless: `usize` has at least 32 bits on every supported target.
pub(crate) fn length(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A length in bytes as `u64`. Lossless: `usize` has at most 64 bits on every supported target.
pub(crate) fn bytes(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Number of pixels of a rectangle. Saturates.
pub(crate) fn area(width: u32, height: u32) -> u64 {
    u64::from(width).saturating_mul(u64::from(height))
}

/// A length rounded up to whole pixels, at least 1.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to 1..=u32::MAX first, so the cast is exact"
)]
pub(crate) fn ceil(length: f64) -> u32 {
    length.ceil().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// A length rounded to whole pixels, at least 1.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is clamped to 1..=u32::MAX first, so the cast is exact"
)]
pub(crate) fn round(length: f64) -> u32 {
    length.round().clamp(1.0, f64::from(u32::MAX)) as u32
}
