//! YCbCr as a TIFF may define it: subsampled in units, of any matrix and range.

use std::array;

use tiff::TiffResult;
use tiff::tags::Tag;

use super::tags::{Tags, numbers};

/// Tags without a name in the `tiff` crate.
const COEFFICIENTS: Tag = Tag::Unknown(529);
const REFERENCE_BLACK_WHITE: Tag = Tag::Unknown(532);

/// Pixels that share their colour differences. They lie together in a unit: the lightness of each, row by row, then
/// the two differences.
#[derive(Clone, Copy)]
pub(crate) struct Subsampling {
    across: u16,
    down: u16,
}

impl Subsampling {
    /// Each pixel has its own.
    pub(crate) const NONE: Self = Self { across: 1, down: 1 };

    /// Reads the tag; `None` if it says what the format does not allow.
    pub(crate) fn read(tags: &mut Tags<'_>) -> TiffResult<Option<Self>> {
        let factors = tags
            .find_tag_unsigned_vec(Tag::ChromaSubsampling)?
            .unwrap_or_else(|| vec![2, 2]);
        Ok(match factors.as_slice() {
            &[across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => Some(Self { across, down }),
            _ => None,
        })
    }

    /// Whether pixels share anything.
    pub(crate) const fn is_reduced(self) -> bool {
        self.across > 1 || self.down > 1
    }

    /// Rows of pixels in a row of units.
    pub(crate) fn rows(self) -> usize {
        usize::from(self.down)
    }

    /// Columns and rows of samples of `width` × `height` pixels. Units at the right and at the bottom are whole.
    pub(crate) fn packed(self, width: u32, height: u32) -> (u32, u32) {
        let (across, down) = (u32::from(self.across), u32::from(self.down));
        let units = width.div_ceil(across);
        (
            units.saturating_mul(across * down + 2),
            height.div_ceil(down),
        )
    }
}

/// How the samples of a pixel become red, green and blue: for every value of each, what it adds.
pub(crate) struct Conversion {
    lightness: [i32; 256],
    red_of_cr: [i32; 256],
    green_of_cb: [i32; 256],
    green_of_cr: [i32; 256],
    blue_of_cb: [i32; 256],
}

/// Fraction bits of what is added.
const BITS: u32 = 14;

impl Conversion {
    /// Reads the tags; without them, or if they make no sense, it is JPEG's: BT.601, full range.
    pub(crate) fn read(tags: &mut Tags<'_>) -> TiffResult<Self> {
        /// Farther from 0 nothing is meant.
        const ADDED_MAX: f64 = 4.0 * 255.0;
        let [red, green, blue] = numbers(tags, COEFFICIENTS)?
            .filter(|luma: &[f64; 3]| luma.iter().all(|&share| share > 0.0))
            .unwrap_or([0.299, 0.587, 0.114]);
        let [black, white, blue_zero, blue_max, red_zero, red_max] =
            numbers(tags, REFERENCE_BLACK_WHITE)?
                .filter(|codes: &[f64; 6]| codes.as_chunks().0.iter().all(|[zero, max]| zero < max))
                .unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
        let table = |zero: f64, max: f64, range: f64, factor: f64| {
            array::from_fn(|code| {
                let code = u8::try_from(code).map_or(0.0, f64::from);
                let added = (code - zero) * range / (max - zero) * factor;
                fixed(added.clamp(-ADDED_MAX, ADDED_MAX))
            })
        };
        let cr = |factor| table(red_zero, red_max, 127.0, factor);
        let cb = |factor| table(blue_zero, blue_max, 127.0, factor);
        let (to_red, to_blue) = (2.0 - 2.0 * red, 2.0 - 2.0 * blue);
        Ok(Self {
            lightness: table(black, white, 255.0, 1.0),
            red_of_cr: cr(to_red),
            green_of_cb: cb(-to_blue * blue / green),
            green_of_cr: cr(-to_red * red / green),
            blue_of_cb: cb(to_blue),
        })
    }

    /// Converts row `y` of a row of units, as many pixels as `out` takes.
    pub(crate) fn row(&self, subsampling: Subsampling, units: &[u8], y: usize, out: &mut [u8]) {
        let (across, down) = (usize::from(subsampling.across), subsampling.rows());
        let differences = across * down;
        let units = units.chunks_exact(differences + 2);
        for (pixels, unit) in out.chunks_mut(across * 3).zip(units) {
            let (lightness, differences) = unit.split_at(differences);
            let &[cb, cr] = differences else { return };
            let row = lightness.chunks_exact(across).nth(y % down);
            let pixels = pixels.as_chunks_mut::<3>().0;
            for (pixel, &y) in pixels.iter_mut().zip(row.unwrap_or_default()) {
                *pixel = self.rgb(y, cb, cr);
            }
        }
    }

    fn rgb(&self, y: u8, cb: u8, cr: u8) -> [u8; 3] {
        let of = |table: &[i32; 256], code: u8| table.get(usize::from(code)).copied().unwrap_or(0);
        let y = of(&self.lightness, y);
        [
            sample(y + of(&self.red_of_cr, cr)),
            sample(y + of(&self.green_of_cb, cb) + of(&self.green_of_cr, cr)),
            sample(y + of(&self.blue_of_cb, cb)),
        ]
    }
}

/// Rounded and clamped.
fn sample(value: i32) -> u8 {
    let whole = (value + (1 << (BITS - 1))) >> BITS;
    u8::try_from(whole.clamp(0, 255)).unwrap_or(u8::MAX)
}

/// A number with a fraction of [`BITS`].
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "callers clamp to some hundreds, so that it fits; `as` would saturate"
)]
fn fixed(value: f64) -> i32 {
    (value * f64::from(1 << BITS)).round() as i32
}
