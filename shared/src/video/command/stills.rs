//! Still images: poster, thumbnail and storyboard.

use super::arguments::{Arguments, PROTOCOL_WHITELIST};
use super::{file, filter};
use crate::video::plan::VideoPlan;
use crate::video::storyboard::Storyboard;

/// Poster and thumbnail of `input`, both from the frame at `at_ms`: the plan's time, or 0 if there was no frame at that
/// time,
/// because a file may be shorter than it declares.
#[must_use]
pub fn poster(video: &VideoPlan, input: &str, at_ms: u64) -> Vec<String> {
    let poster = &video.poster;
    let before = filter::single_frame(video, (poster.width, poster.height));
    let graph = format!(
        "[0:{}]{before},split[p][t];[p]{}[poster];[t]{},crop={}:{}[thumbnail]",
        video.stream,
        filter::jpeg(poster.width, poster.height),
        filter::jpeg(poster.cover_width, poster.cover_height),
        poster.thumbnail_width,
        poster.thumbnail_height,
    );
    let mut list = Arguments::new();
    if at_ms > 0 {
        list.pair("-ss", format!("{}.{:03}", at_ms / 1_000, at_ms % 1_000));
    }
    list.input(input).pair("-filter_complex", graph);
    for (label, name) in [("[poster]", file::POSTER), ("[thumbnail]", file::THUMBNAIL)] {
        list.pair("-map", label).strip();
        list.pair("-frames:v", "1").pair("-q:v", "3");
        list.pair("-f", "mjpeg").flag(name);
    }
    list.0
}

/// The tiles alone, for a source whose duration was unknown when the ladder started. Every frame is decoded, so that each
/// tile
/// shows the right time even if key frames are rare. (The sprite is made separately: ffmpeg would report no progress until
/// it
/// is finished.)
#[must_use]
pub fn tiles(video: &VideoPlan, storyboard: &Storyboard, input: &str) -> Vec<String> {
    let graph = format!(
        "[0:{}]{},{}[board]",
        video.stream,
        filter::before_split(video, (storyboard.tile_width, storyboard.tile_height)),
        tiles_filter(storyboard),
    );
    let mut list = Arguments::new();
    list.input(input).pair("-filter_complex", graph);
    tiles_output(&mut list);
    list.0
}

/// Output of a graph's `[board]`: the tiles as a sequence of JPEGs.
pub(super) fn tiles_output(list: &mut Arguments) {
    list.pair("-map", "[board]").strip();
    list.pair("-fps_mode", "passthrough").pair("-q:v", "2");
    list.pair("-f", "mjpeg").flag(file::TILES);
}

/// The sprite, made from the tiles that [`ladder`](super::ladder()) or [`tiles`] wrote.
#[must_use]
pub fn sprite(storyboard: &Storyboard) -> Vec<String> {
    let mut list = Arguments::new();
    // This is our own file. Uploads may not have this format.
    list.pair("-protocol_whitelist", PROTOCOL_WHITELIST);
    list.pair("-f", "mjpeg").pair("-i", file::TILES);
    list.pair("-vf", grid_filter(storyboard)).strip();
    list.pair("-frames:v", "1").pair("-q:v", "4");
    list.pair("-f", "mjpeg").flag(file::STORYBOARD);
    list.0
}

/// Selects and scales the first frame of each interval. The frame rate is constant and at least one frame per interval, so
/// no
/// tile is skipped.
pub(super) fn tiles_filter(storyboard: &Storyboard) -> String {
    format!(
        "select='gte(t,selected_n*{})',{}",
        storyboard.interval_s,
        filter::jpeg(storyboard.tile_width, storyboard.tile_height),
    )
}

/// Arranges the tiles in rows.
fn grid_filter(storyboard: &Storyboard) -> String {
    format!(
        "tile={}x{}:nb_frames={}",
        storyboard.columns, storyboard.rows, storyboard.tiles
    )
}
