//! Conversions between the widths that the formats, the heap and geometry count in.

/// Length for indexing. Lossless: every target has at least 32 bits.
pub(crate) fn length(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Length for accounting. Lossless: no target has more than 64 bits.
pub(crate) fn bytes(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// Pixels of a rectangle.
pub(crate) fn area(width: u32, height: u32) -> u64 {
    u64::from(width).saturating_mul(u64::from(height))
}

/// Whole pixels that cover a length, at least one.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1 ≤ value ≤ u32::MAX, which a float's `as` keeps"
)]
pub(crate) fn ceil(length: f64) -> u32 {
    length.ceil().clamp(1.0, f64::from(u32::MAX)) as u32
}

/// Whole pixels nearest to a length, at least one.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 1 ≤ value ≤ u32::MAX, which a float's `as` keeps"
)]
pub(crate) fn round(length: f64) -> u32 {
    length.round().clamp(1.0, f64::from(u32::MAX)) as u32
}
