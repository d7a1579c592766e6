//! Which size is made from which: how far decoding may shrink, and the source of each variant.

use shared::image::{ImagePlan, VariantSpec};

use crate::number;
use crate::probe::header::{Coding, Header};

/// Shrinks that JPEG's transform offers.
const JPEG_DIVISORS: [u32; 3] = [8, 4, 2];

/// PNG rows are averaged in boxes of at most this side: with it, sums of premultiplied samples fit 32 bits.
const BOX_MAX: u32 = 64;

/// What a shrink by averaging, and a level that variants chain on, must have more than is needed: below,
/// the two filters in a row are visible (softness), above, nothing is gained.
const MARGIN: f64 = 1.5;

/// How a source is decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shrink {
    /// Width as decoded, as stored.
    pub(crate) width: u32,
    /// Height as decoded, as stored.
    pub(crate) height: u32,
    /// Decoded pixels per stored pixel, across. The last decoded column may stand for part of one.
    pub(crate) scale_x: f64,
    /// Decoded pixels per stored pixel, down.
    pub(crate) scale_y: f64,
    /// Stored pixels per decoded pixel, for formats that shrink by whole numbers.
    pub(crate) divisor: u32,
}

impl Shrink {
    /// The smallest decoding that gives every variant of the plan its pixels.
    pub(crate) fn for_plan(header: &Header, plan: &ImagePlan) -> Self {
        let (width, height) = header.shown();
        let needed = plan
            .variants
            .iter()
            .map(|spec| needed(spec, width, height))
            .fold(0.0, f64::max);
        let needed = if needed > 0.0 { needed } else { 1.0 };
        match header.coding {
            Coding::Jpeg { .. } => {
                let divisor = JPEG_DIVISORS
                    .into_iter()
                    .find(|&divisor| f64::from(divisor) * needed <= 1.0)
                    .unwrap_or(1);
                Self::by_divisor(header, divisor)
            }
            Coding::Png {
                is_interlaced: false,
                ..
            } => {
                let divisor = (2..=BOX_MAX)
                    .rev()
                    .find(|&side| f64::from(side) * needed * MARGIN <= 1.0)
                    .unwrap_or(1);
                Self::by_divisor(header, divisor)
            }
            Coding::WebP { .. } => {
                let target = (needed * MARGIN).min(1.0);
                let side = |stored: u32| number::ceil(f64::from(stored) * target).min(stored);
                Self::to_size(header, side(header.width), side(header.height))
            }
            Coding::Png {
                is_interlaced: true,
                ..
            }
            | Coding::Whole { .. } => Self::by_divisor(header, 1),
        }
    }

    fn by_divisor(header: &Header, divisor: u32) -> Self {
        let scale = 1.0 / f64::from(divisor);
        Self {
            width: header.width.div_ceil(divisor),
            height: header.height.div_ceil(divisor),
            scale_x: scale,
            scale_y: scale,
            divisor,
        }
    }

    fn to_size(header: &Header, width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            scale_x: f64::from(width) / f64::from(header.width),
            scale_y: f64::from(height) / f64::from(header.height),
            divisor: 1,
        }
    }
}

/// Output pixels per source pixel of a variant, 0 < scale ≤ 1.
pub(crate) fn needed(spec: &VariantSpec, width: u32, height: u32) -> f64 {
    let geometry = spec.geometry(width, height);
    let across = f64::from(geometry.width) / geometry.crop.width;
    let down = f64::from(geometry.height) / geometry.crop.height;
    across.max(down).min(1.0)
}

/// Whether a level of `available` pixels per source pixel is a good source for `needed` of them.
pub(crate) fn suffices(available: f64, needed: f64) -> bool {
    /// Sides rounded to whole pixels make two scales differ that mean the same size.
    const ROUNDING: f64 = 0.005;
    let ratio = available / needed;
    ratio >= MARGIN || (ratio - 1.0).abs() < ROUNDING
}
