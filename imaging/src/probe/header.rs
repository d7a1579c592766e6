//! The header of an image, independent of its format.

use crate::format::Format;
use crate::pixels::orient::Orientation;

/// The header of an image.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) format: Format,
    /// Width before the image is turned upright, in pixels.
    pub(crate) width: u32,
    /// Height before the image is turned upright, in pixels.
    pub(crate) height: u32,
    pub(crate) orientation: Orientation,
    pub(crate) coding: Coding,
}

impl Header {
    /// Width and height of the upright image.
    pub(crate) const fn shown(&self) -> (u32, u32) {
        self.orientation.turn(self.width, self.height)
    }
}

/// What the decoder of a format and the memory estimate have to know.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Coding {
    /// JPEG.
    Jpeg {
        /// The decoder holds all coefficients until the last scan.
        is_progressive: bool,
        /// Colour components: 1, 3 or 4.
        components: u8,
        /// Samples per pixel over all components: 1.5 for 4:2:0.
        samples_per_pixel: f64,
        /// The meaning of the components.
        colour: JpegColour,
    },
    /// PNG.
    Png {
        /// The rows come in seven passes, so the decoder holds the whole frame.
        is_interlaced: bool,
        /// Channels after palettes and transparency are expanded.
        channels: u8,
    },
    /// WebP.
    WebP {
        /// The bitstream is `VP8L`, which is decoded at full size before it is scaled.
        is_lossless: bool,
        /// There is an alpha channel.
        has_alpha: bool,
        /// The first frame is inside an `ANMF` chunk.
        is_animated: bool,
    },
    /// A format that is always decoded at full size.
    Whole {
        /// Bytes of the decoder's buffers, without the decoded image.
        buffer_bytes: u64,
    },
}

/// The meaning of the components of a JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JpegColour {
    /// One component.
    Grey,
    /// Three components: luma and two of chroma.
    YCbCr,
    /// Three components, stored without a colour transform.
    Rgb,
    /// Four inks, with or without a colour transform.
    Cmyk {
        /// The file has an Adobe marker, so 0 is full ink.
        is_inverted: bool,
    },
}
