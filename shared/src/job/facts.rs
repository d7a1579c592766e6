//! What processing finds out about an original.

use serde::{Deserialize, Serialize};

/// What processing finds out about an original. What is unknown, or does not apply to the kind of media, is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Width as displayed, in pixels.
    pub width: Option<u32>,
    /// Height as displayed, in pixels.
    pub height: Option<u32>,
    /// Duration in milliseconds.
    pub duration_ms: Option<u64>,
    /// Thumbhash in base64.
    pub placeholder: Option<String>,
}
