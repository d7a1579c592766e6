//! The storyboard: one sprite of small frames at even intervals, and the `WebVTT` with the position of each.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::number::{even_floor, even_share, narrow};
use super::rational::Rational;

/// Box of a tile: 160 pixels wide; as high as a 9:16 video is at that width.
const TILE_WIDTH: u32 = 160;
const TILE_HEIGHT_MAX: u32 = 284;

/// Largest number of tiles: 10 × 10 keep the sprite at about 200 kB, and a seek bar has no room for more.
const TILES_MAX: u64 = 100;
const COLUMNS_MAX: u32 = 10;

/// Intervals between tiles in seconds. Longer intervals are whole minutes.
const INTERVALS_S: [u32; 8] = [1, 2, 5, 10, 15, 20, 30, 60];

/// Geometry of a sprite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Storyboard {
    /// Width of a tile in pixels; even.
    pub tile_width: u32,
    /// Height of a tile in pixels; even.
    pub tile_height: u32,
    /// Tiles per row.
    pub columns: u32,
    /// Number of rows.
    pub rows: u32,
    /// Number of tiles; the rest of the last row is black.
    pub tiles: u32,
    /// Seconds between tiles. The first tile shows the first frame.
    pub interval_s: u32,
}

impl Storyboard {
    /// Geometry for a video of `width` × `height` displayed pixels with `duration_ms` milliseconds at `fps`.
    ///
    /// There are 1 to 100 tiles; they are never enlarged.
    #[must_use]
    pub fn new(width: u32, height: u32, duration_ms: u64, fps: Rational) -> Self {
        let (tile_width, tile_height) = tile(width, height);
        let total = duration_ms.div_ceil(1_000).max(1);
        // A shorter interval would show the same frame twice.
        let shortest = fps.period_ms().div_ceil(1_000);
        let interval = INTERVALS_S
            .into_iter()
            .map(u64::from)
            .find(|&interval| interval >= shortest && total.div_ceil(interval) <= TILES_MAX)
            .unwrap_or_else(|| {
                let minutes = total.div_ceil(TILES_MAX).max(shortest).div_ceil(60);
                minutes * 60
            });
        let tiles = narrow(duration_ms.div_ceil(interval * 1_000).max(1));
        let columns = tiles.min(COLUMNS_MAX);
        Self {
            tile_width,
            tile_height,
            columns,
            rows: tiles.div_ceil(columns),
            tiles,
            interval_s: narrow(interval),
        }
    }

    /// `WebVTT` with one cue per tile: the URL `sprite` (absolute or relative) with the tile's rectangle. The last cue ends
    /// with
    /// the video.
    #[must_use]
    pub fn webvtt(&self, sprite: &str, duration_ms: u64) -> String {
        let sprite = sprite.replace(char::is_whitespace, "%20");
        let interval_ms = u64::from(self.interval_s) * 1_000;
        let mut text = "WEBVTT\n".to_owned();
        for tile in 0..self.tiles {
            let start = u64::from(tile) * interval_ms;
            let end = if tile + 1 == self.tiles {
                duration_ms.max(start + 1)
            } else {
                start + interval_ms
            };
            let columns = self.columns.max(1);
            let (x, y) = (
                tile % columns * self.tile_width,
                tile / columns * self.tile_height,
            );
            let (width, height) = (self.tile_width, self.tile_height);
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "\n{} --> {}\n{sprite}#xywh={x},{y},{width},{height}\n",
                webvtt_time(start),
                webvtt_time(end)
            );
        }
        text
    }
}

/// Size of a tile: fits inside the box, keeps the aspect ratio, has even sides, is never enlarged.
fn tile(width: u32, height: u32) -> (u32, u32) {
    let (width, height) = (width.max(1), height.max(1));
    if width <= TILE_WIDTH && height <= TILE_HEIGHT_MAX {
        return (even_floor(width), even_floor(height));
    }
    let is_wide =
        u64::from(width) * u64::from(TILE_HEIGHT_MAX) >= u64::from(height) * u64::from(TILE_WIDTH);
    if is_wide {
        (TILE_WIDTH, even_share(height, TILE_WIDTH, width))
    } else {
        (even_share(width, TILE_HEIGHT_MAX, height), TILE_HEIGHT_MAX)
    }
}

/// `HH:MM:SS.mmm`.
fn webvtt_time(ms: u64) -> String {
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!(
        "{:02}:{:02}:{seconds:02}.{rest:03}",
        minutes / 60,
        minutes % 60
    )
}
