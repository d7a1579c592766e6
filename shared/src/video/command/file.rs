//! File names of what is neither segment nor playlist.

/// The poster.
pub const POSTER: &str = "poster.jpg";
/// The thumbnail.
pub const THUMBNAIL: &str = "thumbnail.jpg";
/// The storyboard's sprite.
pub const STORYBOARD: &str = "storyboard.jpg";
/// The storyboard's tiles, one JPEG after the other, as the ladder writes them.
pub const TILES: &str = "tiles.mjpeg";
/// The progressive MP4.
pub const MP4: &str = "video.mp4";
/// The source's own streams in an MP4.
pub const REMUX: &str = "remux.mp4";
