//! Reads the size and the orientation of the primary image of an AVIF or HEIC file, from its properties.

use heic_rs::context::Context;
use heic_rs::error::{Error, Result};
use heic_rs::props::Transform;
use heic_rs::{Mirror, Rotation, transform};
use shared::problem::Failure;

use super::header::{Coding, Header};
use crate::format::Format;
use crate::heif;
use crate::number;
use crate::pixels::orient::Orientation;

/// Bytes per coded pixel: three samples in the decoder's planes, three in the copy of them that is converted, and one
/// in the alpha plane, of two bytes each. Chroma subsampling is ignored, so that the estimate is not too small.
const BYTES_PER_CODED_PIXEL: u64 = 14;

pub(super) fn read(data: &[u8], format: Format) -> std::result::Result<Option<Header>, Failure> {
    match heif::guarded(|| header(data, format)) {
        Ok(header) => Ok(Some(header)),
        Err(Error::Truncated(_)) => Ok(None),
        Err(cause) => Err(heif::failure(&cause, format)),
    }
}

fn header(data: &[u8], format: Format) -> Result<Header> {
    let file = heif::open(data)?;
    let item = file.meta.primary;
    let props = file.props(item)?;
    let size = props.ispe.ok_or(Error::MissingBox("ispe"))?;
    let (cropped, orientation) = split(&props.transforms)?;
    let (width, height) = transform::transformed_size(size.width, size.height, cropped)?;
    let coded = coded_pixels(&file, item)?.max(number::area(size.width, size.height));
    Ok(Header {
        format,
        width,
        height,
        orientation,
        coding: Coding::Whole {
            buffer_bytes: coded.saturating_mul(BYTES_PER_CODED_PIXEL),
        },
    })
}

/// Number of pixels that are decoded for an item, over all its tiles. There may be more than the image shows.
fn coded_pixels(file: &Context<'_>, item: u32) -> Result<u64> {
    let pixels = |item| {
        let size = file.props(item)?.ispe.ok_or(Error::MissingBox("ispe"))?;
        Ok(number::area(size.width, size.height))
    };
    match file.grid(item)? {
        None => pixels(item),
        Some((_, tiles)) => tiles.into_iter().try_fold(0_u64, |sum, tile| {
            pixels(tile).map(|tile| sum.saturating_add(tile))
        }),
    }
}

/// Splits transforms into crops, and the rotation and mirror after them. The standard requires this order
/// (ISO/IEC 23000-22, 7.3.6.7).
pub(crate) fn split(transforms: &[Transform]) -> Result<(&[Transform], Orientation)> {
    let crops = transforms
        .iter()
        .take_while(|transform| matches!(transform, Transform::Crop(_)))
        .count();
    let (cropped, turned) = transforms.split_at_checked(crops).unwrap_or_default();
    let tag = match *turned {
        [] => 1,
        [Transform::Rotate(rotation)] => turn(rotation),
        [Transform::Mirror(mirror)] => flip(Rotation::None, mirror),
        [Transform::Rotate(rotation), Transform::Mirror(mirror)] => flip(rotation, mirror),
        _ => return Err(Error::Unsupported("transforms in this order")),
    };
    let orientation =
        Orientation::from_tag(tag).ok_or(Error::Malformed("an unknown orientation"))?;
    Ok((cropped, orientation))
}

/// The EXIF orientation of a rotation.
const fn turn(rotation: Rotation) -> u16 {
    match rotation {
        Rotation::None => 1,
        Rotation::Ccw90 => 8,
        Rotation::Ccw180 => 3,
        Rotation::Ccw270 => 6,
    }
}

/// The EXIF orientation of a rotation followed by a mirror. Trap: heic-rs names axis 0 `LeftRight`, after the wording
/// of the first edition of the standard. Later editions and all other decoders exchange top and bottom for axis 0.
const fn flip(rotation: Rotation, mirror: Mirror) -> u16 {
    let swaps_top_and_bottom = matches!(mirror, Mirror::LeftRight);
    match (rotation, swaps_top_and_bottom) {
        (Rotation::None, false) | (Rotation::Ccw180, true) => 2,
        (Rotation::None, true) | (Rotation::Ccw180, false) => 4,
        (Rotation::Ccw90, true) | (Rotation::Ccw270, false) => 5,
        (Rotation::Ccw90, false) | (Rotation::Ccw270, true) => 7,
    }
}
