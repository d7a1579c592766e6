//! Decodes WebP with libwebp, which scales while it decodes. Of an animation, it decodes the first frame.
#![expect(
    unsafe_code,
    reason = "libwebp is a C library; the pointers are checked here and do not leave this file"
)]

use libwebp_sys::{VP8StatusCode, WEBP_CSP_MODE, WebPDecode, WebPDecoderConfig, WebPRGBABuffer};
use shared::problem::Failure;

use super::decoded::Decoded;
use crate::bytes::le24;
use crate::fault;
use crate::format::Format;
use crate::number;
use crate::pixels::{Layout, Raster};
use crate::probe::header::{Coding, Header};
use crate::probe::webp::{FRAME_HEAD_BYTES, file_chunks};
use crate::scale::Shrink;

pub(super) fn decode(data: &[u8], header: &Header, shrink: &Shrink) -> Result<Decoded, Failure> {
    let (has_alpha, is_animated) = match header.coding {
        Coding::WebP {
            has_alpha,
            is_animated,
            ..
        } => (has_alpha, is_animated),
        Coding::Jpeg { .. } | Coding::Png { .. } | Coding::Whole { .. } => (false, false),
    };
    let layout = if has_alpha { Layout::Rgba } else { Layout::Rgb };
    let raster = if is_animated {
        first_frame(data, shrink)?
    } else {
        bitstream(data, Raster::blank(shrink.width, shrink.height, layout))?
    };
    let profile = file_chunks(data)
        .find(|chunk| &chunk.kind == b"ICCP")
        .map(|chunk| chunk.body.to_vec());
    Ok(Decoded { raster, profile })
}

/// Decodes the first frame onto a transparent canvas, at the reduced size.
fn first_frame(data: &[u8], shrink: &Shrink) -> Result<Raster, Failure> {
    let corrupt = || fault::corrupt(Format::WebP);
    let frame = file_chunks(data)
        .find(|chunk| &chunk.kind == b"ANMF")
        .ok_or_else(corrupt)?
        .body;
    let field = |at: usize| le24(frame, at).map(f64::from).ok_or_else(corrupt);
    // Offsets are stored divided by 2, and sides minus 1.
    let (left, top) = (2.0 * field(0)?, 2.0 * field(3)?);
    let (width, height) = (1.0 + field(6)?, 1.0 + field(9)?);
    let side = |stored: f64, scale: f64, canvas: u32| number::round(stored * scale).min(canvas);
    let width = side(width, shrink.scale_x, shrink.width);
    let height = side(height, shrink.scale_y, shrink.height);
    let bytes = frame.get(FRAME_HEAD_BYTES..).ok_or_else(corrupt)?;
    let raster = bitstream(bytes, Raster::blank(width, height, Layout::Rgba))?;
    if (width, height) == (shrink.width, shrink.height) {
        return Ok(raster);
    }
    let left = start(left * shrink.scale_x, shrink.width - width);
    let top = start(top * shrink.scale_y, shrink.height - height);
    let mut canvas = Raster::blank(shrink.width, shrink.height, Layout::Rgba);
    let (canvas_stride, stride, left) = (
        canvas.stride(),
        raster.stride(),
        left * Layout::Rgba.channels(),
    );
    let rows = canvas.pixels.chunks_exact_mut(canvas_stride).skip(top);
    for (to, from) in rows.zip(raster.pixels.chunks_exact(stride)) {
        if let Some(place) = to.get_mut(left..left + stride) {
            place.copy_from_slice(from);
        }
    }
    Ok(canvas)
}

/// An offset rounded to whole pixels, at most `max`.
fn start(offset: f64, max: u32) -> usize {
    if offset < 0.5 {
        0
    } else {
        number::length(number::round(offset).min(max))
    }
}

/// Decodes a still image into `target`, at its size.
fn bitstream(data: &[u8], mut target: Raster) -> Result<Raster, Failure> {
    let internal = || fault::internal("set up the WebP decoder");
    let (width, height) = (signed(target.width)?, signed(target.height)?);
    let stride = i32::try_from(target.stride()).map_err(|_| internal())?;
    let mut config = WebPDecoderConfig::new().map_err(|()| internal())?;
    config.options.use_scaling = 1;
    config.options.scaled_width = width;
    config.options.scaled_height = height;
    config.output.colorspace = match target.layout {
        Layout::Rgba => WEBP_CSP_MODE::MODE_RGBA,
        Layout::Rgb | Layout::Premultiplied | Layout::Grey | Layout::Cmyk => {
            WEBP_CSP_MODE::MODE_RGB
        }
    };
    config.output.is_external_memory = 1;
    config.output.u.RGBA = WebPRGBABuffer {
        rgba: target.pixels.as_mut_ptr(),
        stride,
        size: target.pixels.len(),
    };
    // SAFETY: `data` is readable for its length. `config` is initialised, and its output is the buffer of `target` with
    // its real size, which nothing else uses during the call. libwebp compares that size with the scaled sides and the
    // stride before it writes, and does not free external memory.
    let status = unsafe { WebPDecode(data.as_ptr(), data.len(), &raw mut config) };
    match status {
        VP8StatusCode::VP8_STATUS_OK => Ok(target),
        VP8StatusCode::VP8_STATUS_SUSPENDED | VP8StatusCode::VP8_STATUS_NOT_ENOUGH_DATA => {
            Err(fault::truncated(Format::WebP))
        }
        VP8StatusCode::VP8_STATUS_UNSUPPORTED_FEATURE => {
            Err(fault::unsupported("This kind of WebP"))
        }
        // libwebp also reports damaged alpha as "out of memory". The memory was estimated before, so it is sufficient.
        VP8StatusCode::VP8_STATUS_OUT_OF_MEMORY
        | VP8StatusCode::VP8_STATUS_INVALID_PARAM
        | VP8StatusCode::VP8_STATUS_BITSTREAM_ERROR
        | VP8StatusCode::VP8_STATUS_USER_ABORT => Err(fault::corrupt(Format::WebP)),
    }
}

/// A side as a C integer.
fn signed(side: u32) -> Result<i32, Failure> {
    i32::try_from(side).map_err(|_| fault::corrupt(Format::WebP))
}
