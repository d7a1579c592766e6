//! Argument lists of ffmpeg and ffprobe, written for version 5.1 and later. The program's folder is the one that it
//! writes into: every output name is relative, every input an absolute path.
//!
//! Trap: ffmpeg answers 0 to much that went wrong. Whoever runs these counts the lines on stderr and judges what was
//! written ([`truncation`](super::truncation)).

mod filter;
mod ladder;
mod picture;
mod stream_copy;

pub use ladder::ladder;
pub use picture::{poster, sprite, tiles};
pub use stream_copy::{Index, mp4, mp4_audio, remux, subtitles};

use super::probe;

/// File names of what is neither segment nor playlist.
pub mod file {
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
}

/// Demuxers that may open an upload, as ffmpeg 5.1 names them (one name of each is enough).
///
/// Invariant: none that opens other files or URLs (hls, dash, concat, imf, image2, sdp, rtsp), runs a filter graph (lavfi) or
/// takes any text for a picture (tty).
pub const FORMAT_WHITELIST: &str =
    "mov,matroska,mpegts,mpeg,avi,flv,asf,mxf,ogg,mp3,wav,w64,aiff,caf,flac,aac,ac3,eac3,amr";

/// Protocols that ffmpeg may open: never a network.
pub const PROTOCOL_WHITELIST: &str = "file,pipe";

/// Pixels of a frame that a decoder may open, whatever the header said to ffprobe: 8192 × 8192.
const MAX_PIXELS: &str = "67108864";

/// An argument list in the making.
#[derive(Debug, Default)]
struct Arguments(Vec<String>);

impl Arguments {
    /// The options that every run of ffmpeg starts with: one line on stderr for each error, progress on stdout.
    fn new() -> Self {
        let mut list = Self::default();
        list.flag("-hide_banner").flag("-nostdin").flag("-y");
        // `repeat`: the same error twice is two errors.
        list.pair("-loglevel", "repeat+level+error");
        // What is told is a tenth of a second old at most.
        list.pair("-progress", "pipe:1")
            .pair("-stats_period", "0.1");
        list.flag("-nostats");
        list
    }

    fn flag(&mut self, flag: &str) -> &mut Self {
        self.0.push(flag.to_owned());
        self
    }

    fn pair(&mut self, option: &str, value: impl Into<String>) -> &mut Self {
        self.0.push(option.to_owned());
        self.0.push(value.into());
        self
    }

    /// An upload as input, with its guards. `file:` keeps a path with a colon from being read as a protocol.
    fn input(&mut self, path: &str) -> &mut Self {
        self.guards().pair("-max_pixels", MAX_PIXELS);
        self.pair("-i", format!("file:{path}"))
    }

    fn guards(&mut self) -> &mut Self {
        self.pair("-protocol_whitelist", PROTOCOL_WHITELIST);
        self.pair("-format_whitelist", FORMAT_WHITELIST)
    }

    /// Nothing of the source's tags and chapters goes into an output.
    fn strip(&mut self) -> &mut Self {
        self.pair("-map_metadata", "-1").pair("-map_chapters", "-1")
    }
}

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
