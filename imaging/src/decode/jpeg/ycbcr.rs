//! Converts YCbCr as in JPEG (JFIF: BT.601, full range) to RGB, with integers.

/// Fraction bits of the factors.
const BITS: u32 = 14;
const HALF: i32 = 1 << (BITS - 1);

/// The factors 1.402, 0.344136, 0.714136 and 1.772 (JFIF 1.02), times 2^14.
const RED_OF_CR: i32 = 22_970;
const GREEN_OF_CB: i32 = 5_638;
const GREEN_OF_CR: i32 = 11_700;
const BLUE_OF_CB: i32 = 29_032;

/// Converts pixels of three bytes, in place.
pub(super) fn to_rgb(pixels: &mut [u8]) {
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(i32::from);
        let (y, cb, cr) = ((y << BITS) + HALF, cb - 128, cr - 128);
        *pixel = [
            sample(y + RED_OF_CR * cr),
            sample(y - GREEN_OF_CB * cb - GREEN_OF_CR * cr),
            sample(y + BLUE_OF_CB * cb),
        ];
    }
}

/// The integer part, clamped.
fn sample(value: i32) -> u8 {
    u8::try_from((value >> BITS).clamp(0, 255)).unwrap_or(u8::MAX)
}
