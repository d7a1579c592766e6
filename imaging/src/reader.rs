//! The decoders of the `image` crate, and the limit on what they may allocate.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
#[cfg(not(target_arch = "wasm32"))]
use image::codecs::tiff::TiffDecoder;
use image::{ImageDecoder, ImageResult, Limits};

/// A file in memory.
type File<'a> = Cursor<&'a [u8]>;

/// Maximum number of bytes that a decoder may allocate. The memory estimate has already admitted the image, so this is
/// a second safeguard.
const ALLOC_MAX_BYTES: u64 = if cfg!(target_arch = "wasm32") {
    1024 * 1024 * 1024
} else {
    4 * 1024 * 1024 * 1024
};

/// Opens a GIF file. Reads only the header.
pub(crate) fn gif(data: &[u8]) -> ImageResult<GifDecoder<File<'_>>> {
    GifDecoder::new(Cursor::new(data))
}

/// Opens a TIFF file. Reads only the header.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn tiff(data: &[u8]) -> ImageResult<TiffDecoder<File<'_>>> {
    TiffDecoder::new(Cursor::new(data))
}

/// Sets the limit for everything that the decoder allocates from now on.
pub(crate) fn limit(decoder: &mut impl ImageDecoder) -> ImageResult<()> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(ALLOC_MAX_BYTES);
    decoder.set_limits(limits)
}
