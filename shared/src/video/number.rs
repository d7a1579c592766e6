//! Conversions between integers and floating point, with the few casts that they need, and rounding to even sides.

/// `value` as floating point; exact up to 2^53.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "sizes, ticks and microseconds stay below 2^53"
)]
pub(super) const fn real(value: u64) -> f64 {
    value as f64
}

/// `value` rounded to the nearest integer; 0 if it is negative or NaN.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates and turns NaN into 0"
)]
pub(super) fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// `value` as 32 bits, saturating.
pub(super) fn narrow(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// `numerator / denominator` rounded to the nearest integer; 0 if the denominator is 0.
pub(super) fn nearest(numerator: u64, denominator: u64) -> u64 {
    numerator
        .saturating_add(denominator / 2)
        .checked_div(denominator)
        .unwrap_or(0)
}

/// The largest even number that does not exceed `side`, but at least 2: 4:2:0 requires even sides. (So 1×1 becomes 2×2, the
/// only case of enlarging.)
pub(super) const fn even_floor(side: u32) -> u32 {
    if side < 2 { 2 } else { side - side % 2 }
}

/// `side × part / whole` rounded to the nearest even number, at least 2 and at most `side`.
pub(super) fn even_share(side: u32, part: u32, whole: u32) -> u32 {
    let halves = nearest(
        u64::from(side) * u64::from(part),
        2 * u64::from(whole.max(1)),
    );
    narrow(halves.saturating_mul(2)).clamp(2, even_floor(side))
}
