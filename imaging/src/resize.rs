//! Resizing by Lanczos3 (`fast_image_resize`), in the picture's own gamma.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use shared::image::Crop;
use shared::problem::Failure;

use crate::alpha;
use crate::fault;
use crate::picture::{Layout, Picture};

/// Resizes `crop` of a picture to `width` × `height`. A crop that rounding pushed over the edge is pulled back.
/// Alpha may come premultiplied, which saves the copy; it goes back divided.
pub(crate) fn resize(
    picture: &Picture,
    crop: Crop,
    width: u32,
    height: u32,
) -> Result<Picture, Failure> {
    let internal = || fault::internal("resize the picture");
    let pixel_type = match picture.layout {
        Layout::Grey => PixelType::U8,
        Layout::Rgb => PixelType::U8x3,
        Layout::Rgba | Layout::Premultiplied | Layout::Cmyk => PixelType::U8x4,
    };
    let (full_width, full_height) = (f64::from(picture.width), f64::from(picture.height));
    let left = crop.left.clamp(0.0, full_width - f64::MIN_POSITIVE);
    let top = crop.top.clamp(0.0, full_height - f64::MIN_POSITIVE);
    let (across, down) = (
        crop.width.min(full_width - left),
        crop.height.min(full_height - top),
    );
    let premultiplied =
        (picture.layout == Layout::Rgba).then(|| alpha::premultiply(picture.clone()));
    let picture = premultiplied.as_ref().unwrap_or(picture);
    let source = ImageRef::new(picture.width, picture.height, &picture.pixels, pixel_type)
        .map_err(|_| internal())?;
    let mut target = Image::new(width, height, pixel_type);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(left, top, across, down)
        .use_alpha(false);
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|_| internal())?;
    let resized =
        Picture::new(width, height, picture.layout, target.into_vec()).ok_or_else(internal)?;
    Ok(alpha::divide(resized))
}
