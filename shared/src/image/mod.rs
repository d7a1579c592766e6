//! Images: which variants are made, their geometry, and the codec's report. Numbers only: the `imaging` crate processes the
//! pixels.

mod geometry;
mod plan;
mod report;

pub use geometry::{Crop, Geometry};
pub use plan::{
    EDGE_MEMORY_MAX_BYTES, Fit, ImagePlan, PIXELS_MAX, VARIANT_CONTENT_TYPE, VariantFormat,
    VariantSpec,
};
pub use report::{ImageReport, Variant};
