//! The formats that can be decoded.

/// A format that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Shrunk inside the decoder's transform.
    Jpeg,
    /// Shrunk row by row.
    Png,
    /// Shrunk inside libwebp; of an animation the first frame.
    WebP,
    /// The first frame, whole.
    Gif,
    /// The first page, whole; not in the wasm module.
    Tiff,
    /// The primary image, whole; not in the wasm module.
    Avif,
    /// The primary image, whole; not in the wasm module.
    Heic,
}

impl Format {
    /// Name for people.
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
