//! Decoded images in memory, and what is done to their pixels.

pub(crate) mod alpha;
pub(crate) mod colour;
pub(crate) mod orient;
pub(crate) mod placeholder;
pub(crate) mod resize;

use crate::number;

/// The meaning of the bytes of a pixel, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Grey level.
    Grey,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha. The colours are not premultiplied.
    Rgba,
    /// Red, green, blue, alpha. The colours are premultiplied by alpha.
    Premultiplied,
    /// Cyan, magenta, yellow, black. 0 is no ink.
    Cmyk,
}

impl Layout {
    /// Bytes per pixel.
    pub(crate) const fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Rgba | Self::Premultiplied | Self::Cmyk => 4,
        }
    }
}

/// An image in memory. The rows go from top to bottom, without padding.
///
/// Invariant: `pixels` has exactly width × height × channels bytes.
#[derive(Debug, Clone)]
pub(crate) struct Raster {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layout: Layout,
    pub(crate) pixels: Vec<u8>,
}

impl Raster {
    /// Wraps pixels. `None` if a side is 0, or if the number of bytes does not match the size.
    pub(crate) fn new(width: u32, height: u32, layout: Layout, pixels: Vec<u8>) -> Option<Self> {
        let raster = Self {
            width,
            height,
            layout,
            pixels,
        };
        (width > 0 && height > 0 && raster.pixels.len() == size_bytes(width, height, layout))
            .then_some(raster)
    }

    /// An image of zeroes, which is black or transparent. Both sides are at least 1.
    pub(crate) fn blank(width: u32, height: u32, layout: Layout) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        Self {
            width,
            height,
            layout,
            pixels: vec![0; size_bytes(width, height, layout)],
        }
    }

    /// Bytes per row.
    pub(crate) fn stride(&self) -> usize {
        number::length(self.width) * self.layout.channels()
    }
}

/// Bytes of an image of this size. Saturates, so that an impossible size makes the allocation fail instead of giving a
/// buffer that is too short.
pub(crate) fn size_bytes(width: u32, height: u32, layout: Layout) -> usize {
    number::length(width)
        .saturating_mul(number::length(height))
        .saturating_mul(layout.channels())
}
