//! Argument lists of ffmpeg and ffprobe, for version 5.1 and later. Output names are relative to the working directory;
//! input
//! paths are absolute.
//!
//! Trap: ffmpeg exits with 0 after many errors. The caller must count the lines on stderr and check the output with
//! [`truncation`](super::truncation).

mod arguments;
pub mod file;
mod filter;
mod ladder;
mod stills;
mod stream_copy;

pub use arguments::{FORMAT_WHITELIST, PROTOCOL_WHITELIST};
pub use ladder::ladder;
pub use stills::{poster, sprite, tiles};
pub use stream_copy::{Index, mp4, mp4_audio, remux, subtitles};

use self::arguments::Arguments;
use super::probe;

/// ffprobe on an upload. Its stdout is a [`Report`](super::probe::Report).
#[must_use]
pub fn probe(input: &str) -> Vec<String> {
    let mut list = Arguments::default();
    for argument in probe::ARGUMENTS {
        list.flag(argument);
    }
    list.guards().pair("-i", format!("file:{input}"));
    list.0
}
