//! Names of the output files that are neither segments nor playlists.

/// Poster.
pub const POSTER: &str = "poster.jpg";
/// Thumbnail.
pub const THUMBNAIL: &str = "thumbnail.jpg";
/// Sprite of the storyboard.
pub const STORYBOARD: &str = "storyboard.jpg";
/// Tiles of the storyboard as a sequence of JPEGs, written by the ladder.
pub const TILES: &str = "tiles.mjpeg";
/// Progressive MP4.
pub const MP4: &str = "video.mp4";
/// The source's streams, remuxed into an MP4.
pub const REMUX: &str = "remux.mp4";
