//! The playback document: what a player needs.

use serde::{Deserialize, Serialize};

use crate::asset::{AssetState, Output};
use crate::id::AssetId;
use crate::time::Timestamp;

/// Answer of `GetPlayback`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Playback {
    /// Id of the asset.
    pub asset_id: AssetId,
    /// State of the asset.
    pub state: AssetState,
    /// HLS multivariant playlist; `null` for images, and until the first rendition is playable.
    pub hls_url: Option<String>,
    /// MP4 file: the remuxed original until the encoded file is available; `null` for images.
    pub mp4_url: Option<String>,
    /// Poster of a video, largest variant of an image; `null` for audio.
    pub poster_url: Option<String>,
    /// Storyboard as `WebVTT`; `null` for images and audio.
    pub storyboard_url: Option<String>,
    /// The original, available once the upload is confirmed; `null` for images, whose originals contain metadata, and for failed assets.
    pub original_url: Option<String>,
    /// When all of these URLs expire; `null` for a public asset, whose URLs do not expire.
    pub expires_at: Option<Timestamp>,
    /// Duration in milliseconds; `null` for images and until known.
    pub duration_ms: Option<u64>,
    /// Displayed width in pixels; `null` for audio and until known.
    pub width: Option<u32>,
    /// Displayed height in pixels; `null` for audio and until known.
    pub height: Option<u32>,
    /// Thumbhash in base64; `null` for audio and until known.
    pub placeholder: Option<String>,
    /// All outputs. Until the asset is ready: the outputs that are already playable.
    pub outputs: Vec<Output>,
}
