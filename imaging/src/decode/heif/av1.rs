//! Decodes AV1 still images with rav1d.

use heic_rs::error::{Error, Result};
use heic_rs::hevc::{ChromaFormat, Frame};
use heic_rs::props::colr::Range;
use re_rav1d::dav1d::{
    Decoder, Error as Av1Error, Picture as Av1Image, PixelLayout, PlanarImageComponent, Settings,
    pixel,
};

use super::planes::Planes;
use crate::number;

/// Maximum number of rounds of sending pending data and requesting the image. A still image needs one. The limit bounds
/// the time for hostile files.
const ROUNDS_MAX: usize = 16;

/// Decodes the image of an item. Fails if it has more than `pixels_max` pixels, before they are allocated.
pub(super) fn decode(data: &[u8], pixels_max: u64) -> Result<Planes> {
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    settings.set_all_layers(false);
    settings.set_frame_size_limit(u32::try_from(pixels_max).unwrap_or(u32::MAX));
    let mut decoder = Decoder::with_settings(&settings).map_err(cause)?;
    planes(&image(&mut decoder, units(data)?)?)
}

fn image(decoder: &mut Decoder, units: Vec<u8>) -> Result<Av1Image> {
    let mut sent = decoder.send_data(units, None, None, None);
    for _ in 0..ROUNDS_MAX {
        match sent {
            Ok(()) | Err(Av1Error::Again) => {}
            Err(error) => return Err(cause(error)),
        }
        match decoder.get_picture() {
            Ok(image) => return Ok(image),
            Err(Av1Error::Again) => sent = decoder.send_pending_data(),
            Err(error) => return Err(cause(error)),
        }
    }
    Err(Error::Malformed("no image in the item"))
}

fn cause(error: Av1Error) -> Error {
    match error {
        Av1Error::UnsupportedBitstream => Error::Unsupported("this kind of AV1"),
        Av1Error::Again
        | Av1Error::InvalidArgument
        | Av1Error::NotEnoughMemory
        | Av1Error::UnknownError(_)
        | _ => Error::Malformed("invalid AV1 data"),
    }
}

/// Copies the units (OBUs) that an image consists of. Leaves out metadata, padding and unknown units, because rav1d has
/// panicked on such. Fails if a unit reaches beyond the data.
fn units(data: &[u8]) -> Result<Vec<u8>> {
    /// Types: sequence header, frame header, tile group, frame, redundant frame header (AV1, 6.2.2).
    const WANTED: [u8; 5] = [1, 3, 4, 6, 7];
    let mut units = Vec::with_capacity(data.len());
    let mut rest = data;
    while let Some((&head, _)) = rest.split_first() {
        let (kind, has_extension, has_size) = (head >> 3 & 0x0f, head & 4 != 0, head & 2 != 0);
        let head_bytes = if has_extension { 2 } else { 1 };
        let body = rest
            .get(head_bytes..)
            .ok_or(Error::Truncated("an AV1 unit"))?;
        let (size, size_bytes) = if has_size {
            length(body)?
        } else {
            (body.len(), 0)
        };
        let unit_bytes = size
            .checked_add(head_bytes + size_bytes)
            .ok_or(Error::Malformed("the size of an AV1 unit"))?;
        let (unit, next) = rest
            .split_at_checked(unit_bytes)
            .ok_or(Error::Malformed("an AV1 unit reaches beyond its item"))?;
        if WANTED.contains(&kind) {
            units.extend_from_slice(unit);
        }
        rest = next;
    }
    if units.is_empty() {
        return Err(Error::Malformed("no AV1 image in the item"));
    }
    Ok(units)
}

/// Reads a `leb128` number (AV1, 4.10.5). Returns it and the number of bytes that it takes.
fn length(data: &[u8]) -> Result<(usize, usize)> {
    const BYTES_MAX: usize = 8;
    let mut value = 0_u64;
    for (at, &byte) in data.iter().take(BYTES_MAX).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let value = usize::try_from(value).map_err(|_| Error::Malformed("a length"))?;
            return Ok((value, at + 1));
        }
    }
    Err(Error::Malformed("a length in an AV1 unit"))
}

/// Converts the planes of an image to two bytes per sample.
fn planes(image: &Av1Image) -> Result<Planes> {
    let chroma = match image.pixel_layout() {
        PixelLayout::I400 => ChromaFormat::Monochrome,
        PixelLayout::I420 => ChromaFormat::Yuv420,
        PixelLayout::I422 => ChromaFormat::Yuv422,
        PixelLayout::I444 => ChromaFormat::Yuv444,
    };
    let (width, height) = (image.width(), image.height());
    let (chroma_width, chroma_height) = chroma.chroma_size(width, height);
    let bits = image.bits_per_component().map(|bits| bits.0);
    let bit_depth = bits
        .and_then(|bits| u8::try_from(bits).ok())
        .ok_or(Error::Unsupported("samples of this depth"))?;
    let plane = |component, width, height| plane(image, component, width, height);
    let [cb, cr] = if chroma == ChromaFormat::Monochrome {
        [Vec::new(), Vec::new()]
    } else {
        [PlanarImageComponent::U, PlanarImageComponent::V]
            .map(|component| plane(component, chroma_width, chroma_height))
    };
    Ok(Planes {
        frame: Frame {
            width,
            height,
            bit_depth,
            chroma,
            y: plane(PlanarImageComponent::Y, width, height),
            cb,
            cr,
            y_stride: width,
            c_stride: chroma_width,
        },
        range: match image.color_range() {
            pixel::YUVRange::Limited => Range::Limited,
            pixel::YUVRange::Full => Range::Full,
        },
    })
}

fn plane(image: &Av1Image, component: PlanarImageComponent, width: u32, height: u32) -> Vec<u16> {
    let stride = number::length(image.stride(component)).max(1);
    let (width, height) = (number::length(width), number::length(height));
    let bytes = image.plane(component);
    let rows = bytes.chunks(stride).take(height);
    let mut samples = Vec::with_capacity(width * height);
    for row in rows {
        if image.bit_depth() == 8 {
            samples.extend(row.iter().take(width).map(|&sample| u16::from(sample)));
        } else {
            let (pairs, _) = row.as_chunks::<2>();
            samples.extend(
                pairs
                    .iter()
                    .take(width)
                    .map(|&pair| u16::from_ne_bytes(pair)),
            );
        }
    }
    samples
}
