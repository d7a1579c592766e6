//! Names of the files that an encode writes. All are in one folder.

use serde::{Deserialize, Serialize};

/// One rendition, by kind and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Track {
    /// A rung of the ladder.
    Video(u32),
    /// An audio rendition.
    Audio(u32),
    /// A subtitle rendition.
    Subtitles(u32),
}

impl Track {
    /// Start of its file names: `v0`, `a0`, `s0`.
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

    /// Its segment `sequence`, starting at 0: `v0_00000.m4s`. Subtitles have a single segment, `s0.vtt`.
    #[must_use]
    pub fn segment(self, sequence: u32) -> String {
        match self {
            Self::Video(_) | Self::Audio(_) => format!("{}_{sequence:05}.m4s", self.stem()),
            Self::Subtitles(_) => format!("{}.vtt", self.stem()),
        }
    }

    /// Track and sequence number of a segment's file name; `None` for all other names (playlists, unfinished `.tmp` files).
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
