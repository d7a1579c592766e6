//! The placeholder: a thumbhash, 25 bytes that a browser draws until a variant arrives.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::image::{Crop, Fit, VariantFormat, VariantSpec};
use shared::problem::Failure;

use crate::number;
use crate::picture::{Layout, Picture};
use crate::resize::resize;

/// Largest side that the hash takes.
const SIDE_MAX: u32 = 100;

/// Hash of an upright sRGB picture, base64.
pub(crate) fn placeholder(picture: &Picture) -> Result<String, Failure> {
    let spec = VariantSpec {
        name: String::new(),
        width: SIDE_MAX,
        height: SIDE_MAX,
        fit: Fit::Inside,
        quality: 0,
        format: VariantFormat::Webp,
    };
    let geometry = spec.geometry(picture.width, picture.height);
    let full = Crop {
        left: 0.0,
        top: 0.0,
        width: f64::from(picture.width),
        height: f64::from(picture.height),
    };
    let small = resize(picture, full, geometry.width, geometry.height)?;
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
