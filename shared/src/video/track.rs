//! Names of the files that an encode writes, all in one folder.

use serde::{Deserialize, Serialize};

/// One rendition, by kind and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// A rung.
    Video(u32),
    /// A rendition of sound.
    Audio(u32),
    /// A rendition of subtitles.
    Subtitles(u32),
}

impl Track {
    /// `v0`, `a0`, `s0`: how its file names begin.
    #[must_use]
    pub fn stem(self) -> String {
        match self {
            Self::Video(number) => format!("v{number}"),
            Self::Audio(number) => format!("a{number}"),
            Self::Subtitles(number) => format!("s{number}"),
        }
    }

    /// Its media playlist: `v0.m3u8`.
    #[must_use]
    pub fn playlist(self) -> String {
        format!("{}.m3u8", self.stem())
    }

    /// Its initialization segment: `v0_init.mp4`. (Subtitles have none.)
    #[must_use]
    pub fn init(self) -> String {
        format!("{}_init.mp4", self.stem())
    }

    /// Its segment `sequence`, from 0: `v0_00000.m4s`. Subtitles have one, `s0.vtt`.
    #[must_use]
    pub fn segment(self, sequence: u32) -> String {
        match self {
            Self::Video(_) | Self::Audio(_) => format!("{}_{sequence:05}.m4s", self.stem()),
            Self::Subtitles(_) => format!("{}.vtt", self.stem()),
        }
    }

    /// Track and sequence of a segment's file name; `None` for every other name (playlists, unfinished `.tmp` files).
    #[must_use]
    pub fn of_segment(file: &str) -> Option<(Self, u32)> {
        let (stem, sequence) = file.strip_suffix(".m4s")?.split_once('_')?;
        let digits = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok()).flatten()
        };
        let (kind, number) = stem.split_at_checked(1)?;
        let track = match kind {
            "v" => Self::Video(digits(number)?),
            "a" => Self::Audio(digits(number)?),
            _ => return None,
        };
        let sequence = digits(sequence)?;
        (track.segment(sequence) == file).then_some((track, sequence))
    }
}
