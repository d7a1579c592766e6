//! A header as read.

use crate::format::Format;
use crate::pixels::orient::Orientation;

/// A header as read.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) format: Format,
    /// Width as stored.
    pub(crate) width: u32,
    /// Height as stored.
    pub(crate) height: u32,
    pub(crate) orientation: Orientation,
    pub(crate) coding: Coding,
}

impl Header {
    /// Width and height as shown.
    pub(crate) const fn shown(&self) -> (u32, u32) {
        self.orientation.turn(self.width, self.height)
    }
}

/// What a format's decoder has to know beforehand, and the memory estimate with it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Coding {
    /// Lossy blocks.
    Jpeg {
        /// All coefficients must be held until the last pass.
        is_progressive: bool,
        /// Colour components, 1, 3 or 4.
        components: u8,
        /// Samples stored per pixel over all components: 1.5 for 4:2:0.
        samples_per_pixel: f64,
        /// What the components mean.
        colour: JpegColour,
    },
    /// Filtered rows.
    Png {
        /// Rows come in seven passes, so that the whole frame must be held.
        is_interlaced: bool,
        /// Channels after expansion of palettes and transparency.
        channels: u8,
    },
    /// `VP8`, or `VP8L`.
    WebP {
        /// The whole frame is decoded before it is scaled.
        is_lossless: bool,
        /// There is an alpha channel.
        has_alpha: bool,
        /// The first frame is inside an `ANMF` chunk.
        is_animated: bool,
    },
    /// Whole frames through the `image` crate.
    Whole {
        /// Bytes of the decoder's buffers beside the image itself.
        buffer_bytes: u64,
    },
}

/// What the components of a JPEG mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JpegColour {
    /// One component.
    Grey,
    /// Three, as nearly always.
    YCbCr,
    /// Three, stored without a transform.
    Rgb,
    /// Four inks, transformed or not; 0 is full ink where `is_inverted`, as Adobe stores them.
    Cmyk {
        /// An Adobe marker is there.
        is_inverted: bool,
    },
}
