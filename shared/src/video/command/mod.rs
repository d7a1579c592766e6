//! Argument lists of ffmpeg and ffprobe, written for version 5.1 and later. The program's folder is the one that it
//! writes into: every output name is relative, every input an absolute path.
//!
//! Trap: ffmpeg answers 0 to much that went wrong. Whoever runs these counts the lines on stderr and judges what was
//! written ([`truncation`](super::truncation)).

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

/// ffprobe over an upload; its stdout is a [`Report`](super::probe::Report).
#[must_use]
pub fn probe(input: &str) -> Vec<String> {
    let mut list = Arguments::default();
    for argument in probe::ARGUMENTS {
        list.flag(argument);
    }
    list.guards().pair("-i", format!("file:{input}"));
    list.0
}
