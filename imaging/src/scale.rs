//! The size at which an image is decoded, and whether an image is large enough to make a variant from it.

use shared::image::{ImagePlan, VariantSpec};

use crate::number;
use crate::probe::header::{Coding, Header};

/// Divisors of the size that the inverse transform of a JPEG offers.
const JPEG_DIVISORS: [u32; 3] = [8, 4, 2];

/// Largest side of the boxes in which PNG rows are averaged. The sum of 64 × 64 samples times their alpha,
/// 4096 × 255 × 255, fits in 32 bits.
const BOX_MAX: u32 = 64;

/// How many times larger than a variant its source must be, if the source has already been filtered. With less, two
/// filters in a row make the variant visibly soft. With more, the variant does not get better.
const MARGIN: f64 = 1.5;

/// The size at which a source is decoded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shrink {
    /// Width of the decoded image, before it is turned upright.
    pub(crate) width: u32,
    /// Height of the decoded image, before it is turned upright.
    pub(crate) height: u32,
    /// Horizontal scale, in decoded pixels per stored pixel. The last column may cover fewer stored pixels.
    pub(crate) scale_x: f64,
    /// Vertical scale, in decoded pixels per stored pixel.
    pub(crate) scale_y: f64,
    /// Stored pixels per decoded pixel, for formats that are reduced by an integer.
    pub(crate) divisor: u32,
}

impl Shrink {
    /// The smallest size from which every variant of the plan can be made.
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

/// The scale of a variant, in output pixels per source pixel: 0 < scale ≤ 1.
pub(crate) fn needed(spec: &VariantSpec, width: u32, height: u32) -> f64 {
    let geometry = spec.geometry(width, height);
    let across = f64::from(geometry.width) / geometry.crop.width;
    let down = f64::from(geometry.height) / geometry.crop.height;
    across.max(down).min(1.0)
}

/// Whether a variant of scale `needed` can be made from an image of scale `available`.
pub(crate) fn suffices(available: f64, needed: f64) -> bool {
    /// Largest difference of two scales that are equal but for the rounding of sides to whole pixels.
    const ROUNDING: f64 = 0.005;
    let ratio = available / needed;
    ratio >= MARGIN || (ratio - 1.0).abs() < ROUNDING
}
