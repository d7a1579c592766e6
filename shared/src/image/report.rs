//! What the codec reports of one image.

use serde::{Deserialize, Serialize};

use super::plan::VariantFormat;

/// What the codec found out about the source and made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReport {
    /// Width as displayed (after orientation), in pixels.
    pub width: u32,
    /// Height as displayed (after orientation), in pixels.
    pub height: u32,
    /// Thumbhash of the image, base64 (standard alphabet, padded).
    pub placeholder: String,
    /// Largest size of the codec's linear memory so far, in bytes; 0 natively.
    pub peak_memory_bytes: u64,
}

/// One variant that was made; its bytes travel beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Name from the plan.
    pub name: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Length of the encoded file.
    pub size_bytes: u64,
    /// How it is encoded; gives its media type and the end of its name.
    #[serde(default)]
    pub format: VariantFormat,
}
