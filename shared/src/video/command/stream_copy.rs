//! Outputs that are not re-encoded: remux and MP4. Also subtitles, which are only converted.

use super::arguments::Arguments;
use super::file;
use crate::video::plan::{Plan, Remux};
use crate::video::track::Track;

/// Position of the index (`moov`) in an MP4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// At the start, where players look first. The whole file has to be written twice.
    AtStart,
    /// At the end, so the file is written once, from start to end; afterwards only its first bytes change. Players need one
    /// more
    /// request to find the index.
    AtEnd,
}

/// Copies the source's streams into an MP4. Rotation is kept; tags and chapters are removed.
#[must_use]
pub fn remux(remux: &Remux, input: &str, index: Index) -> Vec<String> {
    let mut list = Arguments::new();
    list.input(input);
    list.pair("-map", format!("0:{}", remux.video));
    if let Some(audio) = remux.audio {
        list.pair("-map", format!("0:{audio}"));
    }
    list.strip().pair("-c", "copy").pair("-tag:v", "avc1");
    match index {
        Index::AtStart => list.pair("-movflags", "+faststart"),
        Index::AtEnd => &mut list,
    };
    list.pair("-f", "mp4").flag(file::REMUX);
    list.0
}

/// The MP4 from a rung's segments. stdin receives the initialization segment and all segments, in order. The file `audio`
/// (an
/// absolute path) contains the same of the audio rendition. Nothing is re-encoded.
#[must_use]
pub fn mp4(audio: Option<&str>) -> Vec<String> {
    let mut list = Arguments::new();
    // Trap: without it, ffmpeg shifts each input to zero separately, and the audio, which starts before zero by the
    // encoder's
    // delay, would be 21 ms late.
    list.flag("-copyts");
    list.guards().pair("-f", "mp4").pair("-i", "pipe:0");
    if let Some(audio) = audio {
        list.guards()
            .pair("-f", "mp4")
            .pair("-i", format!("file:{audio}"));
    }
    list.pair("-map", "0:v:0");
    if audio.is_some() {
        list.pair("-map", "1:a:0");
    }
    list.strip().pair("-c", "copy");
    list.pair("-movflags", "+faststart").pair("-f", "mp4");
    list.flag(file::MP4);
    list.0
}

/// The MP4 of an audio file. stdin receives the initialization segment and all segments, in order.
#[must_use]
pub fn mp4_audio() -> Vec<String> {
    let mut list = Arguments::new();
    list.guards().pair("-f", "mp4").pair("-i", "pipe:0");
    list.pair("-map", "0:a:0").strip().pair("-c", "copy");
    list.pair("-movflags", "+faststart").pair("-f", "mp4");
    list.flag(file::MP4);
    list.0
}

/// Converts all subtitle renditions to `WebVTT` in one pass; `None` if the plan has none.
#[must_use]
pub fn subtitles(plan: &Plan, input: &str) -> Option<Vec<String>> {
    if plan.subtitles.is_empty() {
        return None;
    }
    let mut list = Arguments::new();
    list.input(input);
    for rendition in &plan.subtitles {
        list.pair("-map", format!("0:{}", rendition.stream)).strip();
        list.pair("-c:s", "webvtt").pair("-f", "webvtt");
        list.flag(&Track::Subtitles(rendition.number).segment(0));
    }
    Some(list.0)
}
