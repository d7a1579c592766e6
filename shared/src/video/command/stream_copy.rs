//! What is not encoded again: remux, MP4 and subtitles.

use super::arguments::Arguments;
use super::file;
use crate::video::plan::{Plan, Remux};
use crate::video::track::Track;

/// Where an MP4 says what lies where in it (`moov`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// Where players look first. The whole file is written twice for it.
    AtStart,
    /// Where it comes when the file is written from the start to the end; of what was before it only the head changes then.
    /// Players find it with a request more.
    AtEnd,
}

/// The source's own streams in an MP4 that starts to play before it is loaded. Rotation stays, tags and chapters go.
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

/// The MP4 from a rung's segments: its initialization segment and all segments, in order, come in on stdin; those of the
/// sound, put together the same way, are the file `audio` (an absolute path). Nothing is encoded again.
#[must_use]
pub fn mp4(audio: Option<&str>) -> Vec<String> {
    let mut list = Arguments::new();
    // Trap: without it ffmpeg moves each input to zero by itself, and sound, which begins with the encoder's delay before
    // zero, comes 21 ms late.
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

/// The MP4 of sound alone: its initialization segment and all segments, in order, come in on stdin.
#[must_use]
pub fn mp4_audio() -> Vec<String> {
    let mut list = Arguments::new();
    list.guards().pair("-f", "mp4").pair("-i", "pipe:0");
    list.pair("-map", "0:a:0").strip().pair("-c", "copy");
    list.pair("-movflags", "+faststart").pair("-f", "mp4");
    list.flag(file::MP4);
    list.0
}

/// Every subtitle rendition as `WebVTT`, in one pass; `None` if the plan has none.
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
