//! Resizes with a Lanczos3 filter (`fast_image_resize`), without converting to linear light.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3, U8x4};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};
use shared::image::Crop;
use shared::problem::Failure;

use crate::fault;
use crate::pixels::alpha;
use crate::pixels::{Layout, Raster};

/// Resizes the part `crop` of an image to `width` × `height`. If rounding has moved `crop` over the edge of the image,
/// it is clamped. If the image has alpha, passing it premultiplied saves a copy. The result is not premultiplied.
pub(crate) fn resize(
    raster: &Raster,
    crop: Crop,
    width: u32,
    height: u32,
) -> Result<Raster, Failure> {
    let premultiplied = (raster.layout == Layout::Rgba).then(|| alpha::premultiply(raster.clone()));
    let source = premultiplied.as_ref().unwrap_or(raster);
    let mut target = Raster::blank(width, height, source.layout);
    // One typed call per layout: the untyped interface would link the code of all thirteen pixel types.
    let done = match source.layout {
        Layout::Grey => convolve::<U8>(source, crop, &mut target),
        Layout::Rgb => convolve::<U8x3>(source, crop, &mut target),
        Layout::Rgba | Layout::Premultiplied | Layout::Cmyk => {
            convolve::<U8x4>(source, crop, &mut target)
        }
    };
    done.ok_or_else(|| fault::internal("resize the image"))?;
    Ok(alpha::divide(target))
}

fn convolve<P: PixelTrait>(source: &Raster, crop: Crop, target: &mut Raster) -> Option<()> {
    let (full_width, full_height) = (f64::from(source.width), f64::from(source.height));
    let left = crop.left.clamp(0.0, full_width - f64::MIN_POSITIVE);
    let top = crop.top.clamp(0.0, full_height - f64::MIN_POSITIVE);
    let (across, down) = (
        crop.width.min(full_width - left),
        crop.height.min(full_height - top),
    );
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(left, top, across, down)
        .use_alpha(false);
    let from = TypedImageRef::<P>::from_buffer(source.width, source.height, &source.pixels).ok()?;
    let mut to =
        TypedImage::<P>::from_buffer(target.width, target.height, &mut target.pixels).ok()?;
    Resizer::new().resize_typed(&from, &mut to, &options).ok()
}
