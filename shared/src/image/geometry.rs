//! Geometry of a variant: the crop of the source and the size of the result.

use super::plan::{Fit, VariantSpec};

/// A rectangle of the source in source pixels. Fractions are allowed: the resizer accepts them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crop {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Width, > 0.
    pub width: f64,
    /// Height, > 0.
    pub height: f64,
}

/// Geometry of a variant. The source is upright: its EXIF orientation is already applied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// The part of the source that is used.
    pub crop: Crop,
    /// Width of the variant in pixels, ≥ 1.
    pub width: u32,
    /// Height of the variant in pixels, ≥ 1.
    pub height: u32,
}

impl VariantSpec {
    /// Geometry of this variant for an upright source of `width` × `height` pixels (both ≥ 1).
    #[must_use]
    pub fn geometry(&self, width: u32, height: u32) -> Geometry {
        let (source_width, source_height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        let (box_width, box_height) = (f64::from(self.width.max(1)), f64::from(self.height.max(1)));
        let (ratio_x, ratio_y) = (box_width / source_width, box_height / source_height);
        match self.fit {
            Fit::Inside => {
                let ratio = ratio_x.min(ratio_y).min(1.0);
                Geometry {
                    crop: Crop {
                        left: 0.0,
                        top: 0.0,
                        width: source_width,
                        height: source_height,
                    },
                    width: pixels(source_width * ratio),
                    height: pixels(source_height * ratio),
                }
            }
            Fit::Cover => {
                let ratio = ratio_x.max(ratio_y).min(1.0);
                let (crop_width, crop_height) = (
                    (box_width / ratio).min(source_width),
                    (box_height / ratio).min(source_height),
                );
                // A source that is smaller than the box on one side is cropped to the box's aspect ratio, but not enlarged.
                let aspect = box_width / box_height;
                // Trap: rounding may exceed the source by one bit, and the resizer rejects such a crop.
                let (crop_width, crop_height) = if crop_width / crop_height > aspect {
                    ((crop_height * aspect).min(source_width), crop_height)
                } else {
                    (crop_width, (crop_width / aspect).min(source_height))
                };
                Geometry {
                    crop: Crop {
                        left: (source_width - crop_width) / 2.0,
                        top: (source_height - crop_height) / 2.0,
                        width: crop_width,
                        height: crop_height,
                    },
                    width: pixels((crop_width * ratio).min(box_width)),
                    height: pixels((crop_height * ratio).min(box_height)),
                }
            }
        }
    }
}

/// Rounds a length to whole pixels, but at least one.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "1 ≤ value ≤ a u32 length"
)]
fn pixels(length: f64) -> u32 {
    length.round().max(1.0) as u32
}
