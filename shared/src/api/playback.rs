//! What a player gets.

use serde::{Deserialize, Serialize};

use crate::asset::{AssetState, Output};
use crate::id::AssetId;

/// Answer of `GetPlayback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Playback {
    /// The asset.
    pub asset_id: AssetId,
    /// Where it stands.
    pub state: AssetState,
    /// HLS master playlist; `null` for images, and until its first rendition is playable.
    pub hls_url: Option<String>,
    /// MP4: the original in another container until there is a better one; `null` for images.
    pub mp4_url: Option<String>,
    /// A still picture: of an image its largest variant, of sound none.
    pub poster_url: Option<String>,
    /// Storyboard, `WebVTT`; `null` for images and sound.
    pub storyboard_url: Option<String>,
    /// The original, from the end of the upload on; `null` for images, whose originals hold metadata, and for what failed.
    pub original_url: Option<String>,
    /// Duration; `null` for images and until known.
    pub duration_ms: Option<u64>,
    /// Width as displayed.
    pub width: Option<u32>,
    /// Height as displayed.
    pub height: Option<u32>,
    /// Thumbhash in base64.
    pub placeholder: Option<String>,
    /// Every output; before the asset is ready those that are playable early.
    pub outputs: Vec<Output>,
}
