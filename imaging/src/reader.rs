//! The decoders of the `image` crate, and the limits of what they may allocate.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
#[cfg(not(target_arch = "wasm32"))]
use image::codecs::tiff::TiffDecoder;
use image::{ImageDecoder, ImageResult, Limits};

/// A file in memory.
type File<'a> = Cursor<&'a [u8]>;

/// What a decoder may allocate by itself: the estimate has admitted the image, this is the second lock.
const ALLOC_MAX_BYTES: u64 = if cfg!(target_arch = "wasm32") {
    1024 * 1024 * 1024
} else {
    4 * 1024 * 1024 * 1024
};

/// Opens a GIF; only the header is read.
pub(crate) fn gif(data: &[u8]) -> ImageResult<GifDecoder<File<'_>>> {
    GifDecoder::new(Cursor::new(data))
}

/// Opens a TIFF; only the header is read.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn tiff(data: &[u8]) -> ImageResult<TiffDecoder<File<'_>>> {
    TiffDecoder::new(Cursor::new(data))
}

/// Limits what a decoder allocates from here on.
pub(crate) fn limit(decoder: &mut impl ImageDecoder) -> ImageResult<()> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(ALLOC_MAX_BYTES);
    decoder.set_limits(limits)
}
