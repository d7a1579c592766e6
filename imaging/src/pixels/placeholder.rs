//! The placeholder: a `ThumbHash` of about 25 bytes, which a browser can draw until a variant has loaded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::image::{Crop, Fit, Geometry, VariantFormat, VariantSpec};
use shared::problem::Failure;

use crate::number;
use crate::pixels::resize::resize;
use crate::pixels::{Layout, Raster};

/// Largest side of an image that `ThumbHash` accepts, in pixels.
const SIDE_MAX: u32 = 100;

/// The geometry in which an image of `width` × `height` is hashed.
pub(crate) fn geometry(width: u32, height: u32) -> Geometry {
    let spec = VariantSpec {
        name: String::new(),
        width: SIDE_MAX,
        height: SIDE_MAX,
        fit: Fit::Inside,
        quality: 0,
        format: VariantFormat::Webp,
    };
    spec.geometry(width, height)
}

/// The hash of an upright sRGB image, in base64.
pub(crate) fn placeholder(raster: &Raster) -> Result<String, Failure> {
    let geometry = geometry(raster.width, raster.height);
    let full = Crop {
        left: 0.0,
        top: 0.0,
        width: f64::from(raster.width),
        height: f64::from(raster.height),
    };
    let small = resize(raster, full, geometry.width, geometry.height)?;
    let pixels = if small.layout == Layout::Rgba {
        small.pixels
    } else {
        small
            .pixels
            .as_chunks::<3>()
            .0
            .iter()
            .flat_map(|&[red, green, blue]| [red, green, blue, 255])
            .collect()
    };
    let hash = thumbhash::rgba_to_thumb_hash(
        number::length(small.width),
        number::length(small.height),
        &pixels,
    );
    Ok(STANDARD.encode(hash))
}
