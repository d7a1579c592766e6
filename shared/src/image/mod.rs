//! Images: the plan (which variants), the geometry of each, and what the codec reports. Pure numbers; the pixels are the
//! `imaging` crate's.

mod geometry;
mod plan;
mod report;

pub use geometry::{Crop, Geometry};
pub use plan::{
    EDGE_MEMORY_MAX_BYTES, Fit, ImagePlan, PIXELS_MAX, VARIANT_CONTENT_TYPE, VariantFormat,
    VariantSpec,
};
pub use report::{ImageReport, Variant};
