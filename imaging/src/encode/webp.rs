//! Encodes lossy WebP with libwebp. Writes no profile, EXIF or XMP.
#![expect(
    unsafe_code,
    reason = "libwebp is a C library; the pointers do not leave this file"
)]

use std::ffi::{c_int, c_void};

use libwebp_sys::{
    WebPConfig, WebPEncode, WebPPicture, WebPPictureFree, WebPPictureImportRGB,
    WebPPictureImportRGBA, WebPPreset,
};
use shared::problem::Failure;

use crate::fault;
use crate::pixels::{Layout, Raster};

/// Effort from 0 to 6; 4 is the default of libwebp. Measured: 2 is 2.5 times as fast and makes 6 % more bytes, 6 takes
/// twice the time and saves 5 %.
const METHOD: c_int = 4;

const QUALITY_MAX: u8 = 100;

/// Encodes an RGB or RGBA image.
pub(super) fn encode(raster: &Raster, quality: u8) -> Result<Vec<u8>, Failure> {
    let internal = || fault::internal("encode the image");
    let quality = f32::from(quality.min(QUALITY_MAX));
    let mut config = WebPConfig::new_with_preset(WebPPreset::WEBP_PRESET_DEFAULT, quality)
        .map_err(|()| internal())?;
    config.method = METHOD;
    let mut source = Source(WebPPicture::new().map_err(|()| internal())?);
    source.import(raster).ok_or_else(internal)?;
    let mut output = Vec::new();
    source.0.writer = Some(append);
    source.0.custom_ptr = (&raw mut output).cast();
    // SAFETY: `config` is initialised. `source` owns its planes since `import`. Its writer is `append`, and its
    // `custom_ptr` is the `Vec` that `append` expects, which outlives the call.
    let is_encoded = unsafe { WebPEncode(&raw const config, &raw mut source.0) } != 0;
    if is_encoded {
        Ok(output)
    } else {
        Err(internal())
    }
}

/// An image that libwebp has allocated. Dropping this frees it.
struct Source(WebPPicture);

impl Source {
    /// Converts the pixels to planes that libwebp allocates.
    fn import(&mut self, raster: &Raster) -> Option<()> {
        self.0.width = c_int::try_from(raster.width).ok()?;
        self.0.height = c_int::try_from(raster.height).ok()?;
        let stride = c_int::try_from(raster.stride()).ok()?;
        let (pixels, target) = (raster.pixels.as_ptr(), &raw mut self.0);
        let is_imported = match raster.layout {
            // SAFETY: `target` is initialised. `pixels` has height × stride bytes (an invariant of `Raster`), 4 per
            // pixel, and is only read during the call.
            Layout::Rgba => unsafe { WebPPictureImportRGBA(target, pixels, stride) },
            // SAFETY: as above, with 3 bytes per pixel.
            Layout::Rgb => unsafe { WebPPictureImportRGB(target, pixels, stride) },
            Layout::Grey | Layout::Premultiplied | Layout::Cmyk => 0,
        };
        (is_imported != 0).then_some(())
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: the image is initialised. Its planes were allocated by libwebp, or are null.
        unsafe { WebPPictureFree(&raw mut self.0) }
    }
}

/// Appends a piece of output. libwebp calls this.
unsafe extern "C" fn append(data: *const u8, size: usize, source: *const WebPPicture) -> c_int {
    // SAFETY: libwebp calls this only during `WebPEncode`, with the image of `encode`. Its `custom_ptr` is a `Vec<u8>`
    // that nothing else uses during that call, and `data` points at `size` readable bytes.
    let (output, piece) = unsafe {
        let output: *mut c_void = (*source).custom_ptr;
        (
            &mut *output.cast::<Vec<u8>>(),
            std::slice::from_raw_parts(data, size),
        )
    };
    output.extend_from_slice(piece);
    1
}
