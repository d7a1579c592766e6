//! YCbCr as TIFF defines it: with subsampled chroma, and with any matrix and range (TIFF 6.0, section 21).

use std::array;

use tiff::TiffResult;
use tiff::tags::Tag;

use super::tags::{Tags, numbers};

/// Tags that have no name in the `tiff` crate.
const COEFFICIENTS: Tag = Tag::Unknown(529);
const REFERENCE_BLACK_WHITE: Tag = Tag::Unknown(532);

/// Chroma subsampling: pixels per sample of chroma, horizontally and vertically. The pixels that share their chroma are
/// stored in one data unit: the luma of each pixel, row by row, then Cb and Cr.
#[derive(Clone, Copy)]
pub(crate) struct Subsampling {
    across: u16,
    down: u16,
}

impl Subsampling {
    /// Each pixel has its own chroma.
    pub(crate) const NONE: Self = Self { across: 1, down: 1 };

    /// Reads the tag. `None` if its values are invalid.
    pub(crate) fn read(tags: &mut Tags<'_>) -> TiffResult<Option<Self>> {
        let factors = tags
            .find_tag_unsigned_vec(Tag::ChromaSubsampling)?
            .unwrap_or_else(|| vec![2, 2]);
        Ok(match factors.as_slice() {
            &[across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => Some(Self { across, down }),
            _ => None,
        })
    }

    /// Whether pixels share their chroma.
    pub(crate) const fn is_reduced(self) -> bool {
        self.across > 1 || self.down > 1
    }

    /// Rows of pixels per row of data units.
    pub(crate) fn rows(self) -> usize {
        usize::from(self.down)
    }

    /// Columns and rows of samples that are stored for `width` × `height` pixels. Data units at the right and at the
    /// bottom are complete.
    pub(crate) fn packed(self, width: u32, height: u32) -> (u32, u32) {
        let (across, down) = (u32::from(self.across), u32::from(self.down));
        let units = width.div_ceil(across);
        (
            units.saturating_mul(across * down + 2),
            height.div_ceil(down),
        )
    }
}

/// Converts the samples of a pixel to red, green and blue. Each table has, for every sample value, what it adds to a
/// colour, as a fixed-point number with [`BITS`] fraction bits.
pub(crate) struct Conversion {
    luma: [i32; 256],
    red_of_cr: [i32; 256],
    green_of_cb: [i32; 256],
    green_of_cr: [i32; 256],
    blue_of_cb: [i32; 256],
}

/// Fraction bits of the tables.
const BITS: u32 = 14;

impl Conversion {
    /// Reads the tags. If they are missing or invalid, the conversion is that of JPEG: BT.601, full range.
    pub(crate) fn read(tags: &mut Tags<'_>) -> TiffResult<Self> {
        /// Largest absolute value of an entry. Sensible ones are far smaller.
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
            luma: table(black, white, 255.0, 1.0),
            red_of_cr: cr(to_red),
            green_of_cb: cb(-to_blue * blue / green),
            green_of_cr: cr(-to_red * red / green),
            blue_of_cb: cb(to_blue),
        })
    }

    /// Converts row `y` of a row of data units, for as many pixels as `out` has room for.
    pub(crate) fn row(&self, subsampling: Subsampling, units: &[u8], y: usize, out: &mut [u8]) {
        let (across, down) = (usize::from(subsampling.across), subsampling.rows());
        let luma_samples = across * down;
        let units = units.chunks_exact(luma_samples + 2);
        for (pixels, unit) in out.chunks_mut(across * 3).zip(units) {
            let (luma, chroma) = unit.split_at(luma_samples);
            let &[cb, cr] = chroma else { return };
            let row = luma.chunks_exact(across).nth(y % down);
            let pixels = pixels.as_chunks_mut::<3>().0;
            for (pixel, &y) in pixels.iter_mut().zip(row.unwrap_or_default()) {
                *pixel = self.rgb(y, cb, cr);
            }
        }
    }

    fn rgb(&self, y: u8, cb: u8, cr: u8) -> [u8; 3] {
        let of = |table: &[i32; 256], code: u8| table.get(usize::from(code)).copied().unwrap_or(0);
        let y = of(&self.luma, y);
        [
            sample(y + of(&self.red_of_cr, cr)),
            sample(y + of(&self.green_of_cb, cb) + of(&self.green_of_cr, cr)),
            sample(y + of(&self.blue_of_cb, cb)),
        ]
    }
}

/// Rounds and clamps a fixed-point number.
fn sample(value: i32) -> u8 {
    let whole = (value + (1 << (BITS - 1))) >> BITS;
    u8::try_from(whole.clamp(0, 255)).unwrap_or(u8::MAX)
}

/// Converts a number to fixed point.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "the caller clamps the value, so that it fits"
)]
fn fixed(value: f64) -> i32 {
    (value * f64::from(1 << BITS)).round() as i32
}
