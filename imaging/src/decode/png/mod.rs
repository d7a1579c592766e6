//! Decodes PNG with `png`: averages rows while it decodes them, or decodes an interlaced image at full size.

mod rows;

use std::io::{Cursor, ErrorKind};

use png::{ColorType, Decoder, DecodingError, Limits, Reader, Transformations};
use shared::problem::Failure;

use self::rows::Rows;
use crate::decode::decoded::Decoded;
use crate::fault;
use crate::format::Format;
use crate::pixels::{Layout, Raster};
use crate::probe::header::Header;
use crate::scale::Shrink;

type Source<'a> = Reader<Cursor<&'a [u8]>>;

/// Maximum number of bytes that the decoder may allocate for metadata, mostly for the unpacked colour profile.
const METADATA_MAX_BYTES: usize = 2 * 1024 * 1024;
/// Maximum number of bytes that it may allocate for rows: four rows of 65 536 pixels of 8 bytes.
const ROWS_MAX_BYTES: usize = 4 * 8 * 65_536;

pub(super) fn decode(data: &[u8], header: &Header, shrink: &Shrink) -> Result<Decoded, Failure> {
    let mut source = open(data).map_err(|cause| failure(&cause))?;
    let info = source.info();
    // The first frame of an animation may have another size than the image.
    if info
        .frame_control()
        .is_some_and(|frame| (frame.width, frame.height) != (header.width, header.height))
    {
        return Err(fault::corrupt(Format::Png));
    }
    let profile = info.icc_profile.as_ref().map(|profile| profile.to_vec());
    let raster = if info.interlaced {
        whole(&mut source, header)
    } else {
        rows(&mut source, header, shrink)
    };
    let raster = raster
        .map_err(|cause| failure(&cause))?
        .ok_or_else(|| fault::corrupt(Format::Png))?;
    match source.finish() {
        // All pixels are decoded. Damage after them does not matter.
        Ok(())
        | Err(
            DecodingError::Format(_) | DecodingError::Parameter(_) | DecodingError::LimitsExceeded,
        ) => {}
        Err(cause @ DecodingError::IoError(_)) => return Err(failure(&cause)),
    }
    Ok(Decoded { raster, profile })
}

fn open(data: &[u8]) -> Result<Source<'_>, DecodingError> {
    let limits = Limits {
        bytes: METADATA_MAX_BYTES + ROWS_MAX_BYTES,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(data), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.read_info()
}

fn rows(
    source: &mut Source<'_>,
    header: &Header,
    shrink: &Shrink,
) -> Result<Option<Raster>, DecodingError> {
    let (colour, _) = source.output_color_type();
    let mut rows = Rows::new(header.width, layout(colour), shrink);
    while let Some(row) = source.next_row()? {
        if colour == ColorType::GrayscaleAlpha {
            rows.push(&grey_alpha(row.data()));
        } else {
            rows.push(row.data());
        }
    }
    Ok(rows.finish())
}

fn whole(source: &mut Source<'_>, header: &Header) -> Result<Option<Raster>, DecodingError> {
    let (colour, _) = source.output_color_type();
    let size = source
        .output_buffer_size()
        .ok_or(DecodingError::LimitsExceeded)?;
    let mut pixels = vec![0; size];
    source.next_frame(&mut pixels)?;
    let pixels = if colour == ColorType::GrayscaleAlpha {
        grey_alpha(&pixels)
    } else {
        pixels
    };
    Ok(Raster::new(
        header.width,
        header.height,
        layout(colour),
        pixels,
    ))
}

/// The layout of rows after expansion.
const fn layout(colour: ColorType) -> Layout {
    match colour {
        ColorType::Grayscale => Layout::Grey,
        // Rows of a palette have been expanded to RGB.
        ColorType::Rgb | ColorType::Indexed => Layout::Rgb,
        ColorType::GrayscaleAlpha | ColorType::Rgba => Layout::Rgba,
    }
}

fn grey_alpha(pairs: &[u8]) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(pairs.len() * 2);
    for pair in pairs.chunks_exact(2) {
        if let &[grey, alpha] = pair {
            pixels.extend_from_slice(&[grey, grey, grey, alpha]);
        }
    }
    pixels
}

fn failure(cause: &DecodingError) -> Failure {
    match cause {
        DecodingError::IoError(cause) if cause.kind() == ErrorKind::UnexpectedEof => {
            fault::truncated(Format::Png)
        }
        DecodingError::IoError(_) | DecodingError::Format(_) | DecodingError::Parameter(_) => {
            fault::corrupt(Format::Png)
        }
        DecodingError::LimitsExceeded => {
            fault::unsupported("A PNG with metadata or rows of this size")
        }
    }
}
