//! What processing determines about an original.

use serde::{Deserialize, Serialize};

/// What processing determines about an original. A fact that is unknown or does not apply to the kind of media is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Displayed width in pixels.
    pub width: Option<u32>,
    /// Displayed height in pixels.
    pub height: Option<u32>,
    /// Duration in milliseconds.
    pub duration_ms: Option<u64>,
    /// Thumbhash in base64.
    pub placeholder: Option<String>,
}
