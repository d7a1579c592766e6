//! The codec's report of one image.

use serde::{Deserialize, Serialize};

use super::plan::VariantFormat;

/// Facts about the source, and the codec's memory use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReport {
    /// Displayed width (after EXIF orientation) in pixels.
    pub width: u32,
    /// Displayed height (after EXIF orientation) in pixels.
    pub height: u32,
    /// Thumbhash of the image in base64 (standard alphabet, padded).
    pub placeholder: String,
    /// Peak size of the codec's linear memory in bytes; 0 in native builds.
    pub peak_memory_bytes: u64,
}

/// One finished variant. Its bytes are sent separately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Name from the plan.
    pub name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Size of the encoded file in bytes.
    pub size_bytes: u64,
    /// File format.
    #[serde(default)]
    pub format: VariantFormat,
}
