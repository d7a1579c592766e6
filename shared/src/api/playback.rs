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
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub hls_url: Option<String>,
    /// MP4: the original in another container until there is a better one; `null` for images.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub mp4_url: Option<String>,
    /// A still picture: of an image its largest variant, of sound none.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub poster_url: Option<String>,
    /// Storyboard, `WebVTT`; `null` for images and sound.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub storyboard_url: Option<String>,
    /// The original, from the end of the upload on; `null` for images, whose originals hold metadata, and for what failed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub original_url: Option<String>,
    /// Duration; `null` for images and until known.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub duration_ms: Option<u64>,
    /// Width as displayed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub width: Option<u32>,
    /// Height as displayed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub height: Option<u32>,
    /// Thumbhash in base64.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub placeholder: Option<String>,
    /// Every output; before the asset is ready those that are playable early.
    pub outputs: Vec<Output>,
}
