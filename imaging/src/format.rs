//! The image formats that can be decoded.

/// An image format, and how much of the file is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Decoded at a reduced size, inside the inverse transform.
    Jpeg,
    /// Reduced row by row while it is decoded.
    Png,
    /// Scaled by libwebp while it is decoded. Of an animation: the first frame.
    WebP,
    /// The first frame, at full size.
    Gif,
    /// The first page, at full size. Native build only.
    Tiff,
    /// The primary image, at full size. Native build only.
    Avif,
    /// The primary image, at full size. Native build only.
    Heic,
}

impl Format {
    /// The name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Avif => "AVIF",
            Self::Heic => "HEIC",
        }
    }
}
