//! [`Preset`]: what a tenant wants of its videos, and the limits of what is taken.

use serde::{Deserialize, Serialize};

use crate::words::words;

words! {
    /// How long x264 looks for savings: its presets.
    Speed {
        /// Fastest, largest.
        Ultrafast = "ultrafast",
        /// Faster than `veryfast`, clearly worse.
        Superfast = "superfast",
        /// The default: half the time of `medium` for about a tenth more bits.
        Veryfast = "veryfast",
        /// Between `veryfast` and `fast`.
        Faster = "faster",
        /// Between `faster` and `medium`.
        Fast = "fast",
        /// The encoder's own default.
        Medium = "medium",
        /// Slower than most can wait.
        Slow = "slow",
        /// Slower still.
        Slower = "slower",
        /// Several times the time of `medium`.
        Veryslow = "veryslow",
    }
}

/// Groups of pictures last this long, on a grid that starts at zero, in every rung: where players can switch.
pub const GOP_MS: u32 = 2_000;

/// What a tenant wants of its videos. Every member has a default: JSON names what differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Preset {
    /// Rungs of the ladder. One whose short side is larger than the source's is not made.
    pub rungs: Vec<RungSpec>,
    /// Preset of x264.
    pub speed: Speed,
    /// Bits per second of each stereo rendition (AAC).
    pub audio_bitrate_bps: u32,
    /// More frames per second than this are halved until they fit.
    pub fps_max: u32,
    /// Length of a segment, a multiple of 2 000; unset: 2 s for videos under a minute or of unknown length, else 4 s.
    pub segment_ms: Option<u32>,
    /// The MP4 is made from the highest rung not above this short side.
    pub mp4_short_side_max: u32,
    /// What is refused.
    pub limits: Limits,
}

/// One rung of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RungSpec {
    /// Shorter side in pixels; even.
    pub short_side: u32,
    /// Bits per second that are never exceeded for long, for a 16:9 picture at up to 30 frames per second.
    pub maxrate_bps: u32,
    /// Constant rate factor of x264 (lower is better and larger).
    pub crf: u8,
}

/// What is refused (`media_too_large`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Limits {
    /// Longest playing time.
    pub duration_max_ms: u64,
    /// Longest side of the picture, as stored and as shown.
    pub side_max: u32,
    /// Most streams of a file, all kinds together.
    pub streams_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // A day: longer than any film, short of a camera that was never switched off.
            duration_max_ms: 24 * 3_600_000,
            // 8K, and what x264's highest level (6.2) takes.
            side_max: 8_192,
            // Films with many languages have 40 streams of subtitles.
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
            // Between the lower and the upper rate that Apple's HLS authoring specification gives each size.
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

/// Why a preset is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("preset: `{member}` is {found}; {rule}")]
pub struct PresetError {
    /// The member that is wrong.
    pub member: &'static str,
    /// What it holds.
    pub found: String,
    /// What it must be.
    pub rule: &'static str,
}

impl Preset {
    /// Reads a tenant's JSON and checks it.
    pub fn parse(json: &str) -> Result<Self, ParseError> {
        let preset: Self = serde_json::from_str(json)?;
        preset.check()?;
        Ok(preset)
    }

    /// Checks what types cannot: each number against what the encoder and the players can do.
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
                "it must be 2000, 4000, 6000, 8000 or 10000 (whole groups of pictures)",
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
                "it must be 2 to 8192 (no decoder is let beyond)",
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
                    "`crf` must be 1 to 51 (0 is lossless, which no player takes)",
                );
            }
            let twice = |other: &RungSpec| other.short_side == rung.short_side;
            if self.rungs.iter().skip(at + 1).any(twice) {
                return wrong(found, "each `short_side` may stand there once");
            }
        }
        Ok(())
    }

    /// Length of a segment for a source of `duration_ms`: short ones start to play sooner with short segments.
    #[must_use]
    pub fn segment_ms(&self, duration_ms: Option<u64>) -> u32 {
        self.segment_ms.unwrap_or(match duration_ms {
            Some(duration_ms) if duration_ms >= 60_000 => 2 * GOP_MS,
            Some(_) | None => GOP_MS,
        })
    }
}

/// Why a tenant's JSON is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// It is no JSON of this shape.
    #[error("preset: {0}")]
    Shape(#[from] serde_json::Error),
    /// A value is out of its range.
    #[error(transparent)]
    Value(#[from] PresetError),
}
