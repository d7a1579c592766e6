//! [`Preset`]: a tenant's ladder, quality and limits for video and audio.

use serde::{Deserialize, Serialize};

use crate::json;
use crate::words::words;

words! {
    /// Speed of x264: its presets.
    Speed {
        /// Fastest encode, largest files.
        Ultrafast = "ultrafast",
        /// Faster than `veryfast`, with clearly lower quality.
        Superfast = "superfast",
        /// The default: half the time of `medium` for about 10 % more bits.
        Veryfast = "veryfast",
        /// Between `veryfast` and `fast`.
        Faster = "faster",
        /// Between `faster` and `medium`.
        Fast = "fast",
        /// x264's default.
        Medium = "medium",
        /// Slower than `medium`.
        Slow = "slow",
        /// Slower than `slow`.
        Slower = "slower",
        /// Several times the time of `medium`.
        Veryslow = "veryslow",
    }
}

/// Interval of the key frames in milliseconds, the same in every rung and starting at zero: players switch rungs at key
/// frames.
pub const GOP_MS: u32 = 2_000;

/// How a tenant's video and audio files are encoded, and their limits. Every member has a default, so the JSON contains
/// only what differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preset {
    /// Rungs of the ladder. Rungs with a short side larger than the source's are skipped.
    pub rungs: Vec<RungSpec>,
    /// Preset of x264.
    pub speed: Speed,
    /// Bit rate of each stereo rendition (AAC) in bits per second.
    pub audio_bitrate_bps: u32,
    /// Largest frame rate. Higher rates are halved until they fit.
    pub fps_max: u32,
    /// Length of a segment in milliseconds, a multiple of 2 000. Default: 2 s for videos shorter than a minute or of
    /// unknown duration, otherwise 4 s.
    pub segment_ms: Option<u32>,
    /// The MP4 is made from the largest rung whose short side does not exceed this.
    pub mp4_short_side_max: u32,
    /// Limits of the files.
    pub limits: Limits,
}

/// One rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RungSpec {
    /// Shorter side in pixels; even.
    pub short_side: u32,
    /// Maximum bit rate in bits per second, for a 16:9 video with up to 30 frames per second.
    pub maxrate_bps: u32,
    /// Constant rate factor of x264 (lower means better quality and larger files).
    #[cfg_attr(feature = "openapi", schema(maximum = 51))]
    pub crf: u8,
}

/// Limits; a file that exceeds one fails with `media_too_large`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// Longest duration in milliseconds.
    pub duration_max_ms: u64,
    /// Longest side of a frame in pixels, both as stored and as displayed.
    pub side_max: u32,
    /// Largest number of streams of any kind.
    pub streams_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // 24 hours: longer than any movie; an endless camera recording is rejected.
            duration_max_ms: 24 * 3_600_000,
            // 8K: the maximum of x264's highest level (6.2).
            side_max: 8_192,
            // Movies in many languages have 40 subtitle streams.
            streams_max: 64,
        }
    }
}

impl Default for Preset {
    fn default() -> Self {
        let rung = |short_side, maxrate_bps, crf| RungSpec {
            short_side,
            maxrate_bps,
            crf,
        };
        Self {
            // Between the lowest and the highest rate for each size in Apple's HLS authoring specification.
            rungs: vec![
                rung(360, 800_000, 23),
                rung(480, 1_400_000, 23),
                rung(720, 3_000_000, 23),
                rung(1_080, 6_000_000, 22),
                rung(2_160, 18_000_000, 22),
            ],
            speed: Speed::Veryfast,
            audio_bitrate_bps: 128_000,
            fps_max: 60,
            segment_ms: None,
            mp4_short_side_max: 1_080,
            limits: Limits::default(),
        }
    }
}

/// Why a preset is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("preset: `{member}` is {found}; {rule}")]
pub struct PresetError {
    /// The invalid member.
    pub member: &'static str,
    /// Its value.
    pub found: String,
    /// The rule that it violates.
    pub rule: &'static str,
}

impl Preset {
    /// Parses and checks a tenant's JSON.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if the JSON has a wrong shape or a value is out of range.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let preset: Self = json::read(text.as_bytes())?;
        preset.check()?;
        Ok(preset)
    }

    /// Checks each value against what the encoder and players support.
    ///
    /// # Errors
    ///
    /// [`PresetError`] for the first invalid value.
    pub fn check(&self) -> Result<(), PresetError> {
        self.check_rungs()?;
        let (limits, segment_ms) = (&self.limits, self.segment_ms.unwrap_or(GOP_MS));
        let at_least_one = "it must be at least 1";
        let rules = [
            (
                "audio_bitrate_bps",
                u64::from(self.audio_bitrate_bps),
                (32_000..=512_000).contains(&self.audio_bitrate_bps),
                "it must be 32 000 to 512 000",
            ),
            (
                "fps_max",
                u64::from(self.fps_max),
                (1..=60).contains(&self.fps_max),
                "it must be 1 to 60",
            ),
            (
                "segment_ms",
                u64::from(segment_ms),
                (GOP_MS..=10_000).contains(&segment_ms) && segment_ms.is_multiple_of(GOP_MS),
                "it must be 2000, 4000, 6000, 8000 or 10000 (a multiple of the key frame interval)",
            ),
            (
                "mp4_short_side_max",
                u64::from(self.mp4_short_side_max),
                self.mp4_short_side_max > 0,
                at_least_one,
            ),
            (
                "limits.duration_max_ms",
                limits.duration_max_ms,
                limits.duration_max_ms > 0,
                at_least_one,
            ),
            (
                "limits.side_max",
                u64::from(limits.side_max),
                (2..=8_192).contains(&limits.side_max),
                "it must be 2 to 8192 (the limit of every decoder here)",
            ),
            (
                "limits.streams_max",
                u64::from(limits.streams_max),
                limits.streams_max > 0,
                at_least_one,
            ),
        ];
        rules.into_iter().find(|(_, _, holds, _)| !holds).map_or(
            Ok(()),
            |(member, found, _, rule)| {
                Err(PresetError {
                    member,
                    found: found.to_string(),
                    rule,
                })
            },
        )
    }

    fn check_rungs(&self) -> Result<(), PresetError> {
        let wrong = |found: String, rule| {
            Err(PresetError {
                member: "rungs",
                found,
                rule,
            })
        };
        if !(1..=8).contains(&self.rungs.len()) {
            return wrong(format!("{} rungs", self.rungs.len()), "it must have 1 to 8");
        }
        for (at, rung) in self.rungs.iter().enumerate() {
            let found = serde_json::to_string(rung).unwrap_or_default();
            if !(2..=8_192).contains(&rung.short_side) || !rung.short_side.is_multiple_of(2) {
                return wrong(found, "`short_side` must be even, 2 to 8192");
            }
            if !(50_000..=200_000_000).contains(&rung.maxrate_bps) {
                return wrong(found, "`maxrate_bps` must be 50 000 to 200 000 000");
            }
            if !(1..=51).contains(&rung.crf) {
                return wrong(
                    found,
                    "`crf` must be 1 to 51 (0 is lossless, which players do not support)",
                );
            }
            let twice = |other: &RungSpec| other.short_side == rung.short_side;
            if self.rungs.iter().skip(at + 1).any(twice) {
                return wrong(found, "each `short_side` must be unique");
            }
        }
        Ok(())
    }

    /// Length of a segment in milliseconds for a source of `duration_ms`. Short videos get short segments, so that they
    /// start to play sooner.
    #[must_use]
    pub fn segment_ms(&self, duration_ms: Option<u64>) -> u32 {
        self.segment_ms.unwrap_or(match duration_ms {
            Some(duration_ms) if duration_ms >= 60_000 => 2 * GOP_MS,
            Some(_) | None => GOP_MS,
        })
    }
}

/// Why a tenant's JSON is invalid.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It is not JSON of the expected shape.
    #[error("preset: {0}")]
    Shape(#[from] json::Invalid),
    /// A value is out of range.
    #[error(transparent)]
    Value(#[from] PresetError),
}
