//! The verdict on an encode that ffmpeg called a success: did everything arrive that the source promised?
//!
//! ffmpeg exits with 0 when its input ends early or is damaged. A source that is cut off must fail; one that is damaged
//! in places plays, and its owner is told.

use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// What the probe promised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// When the picture ends; `None` if the file does not say or has no picture.
    pub video_ms: Option<u64>,
    /// How long the file plays, by its container.
    pub duration_ms: Option<u64>,
    /// Whether there is a picture at all.
    pub has_video: bool,
}

/// What came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Sum of the video segments; 0 without a picture.
    pub video_ms: u64,
    /// Sum of the longest audio rendition's segments; 0 without sound.
    pub audio_ms: u64,
    /// Frames of a rung; 0 without a picture.
    pub frames: u64,
    /// Lines of the decoder on broken data.
    pub decode_errors: u64,
}

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// All is there.
    Complete,
    /// It plays to its end, with damage.
    Degraded {
        /// Lines of the decoder on broken data.
        decode_errors: u64,
        /// What is missing at the end, within tolerance.
        missing_ms: u64,
    },
    /// The end is missing: nothing may be published.
    Truncated {
        /// Where it should have ended.
        expected_ms: u64,
        /// Where it ended.
        encoded_ms: u64,
    },
}

/// Containers round, count a last frame or not, and encoders add or drop a frame: that much may always be missing.
const TOLERANCE_MIN_MS: u64 = 1_000;

/// Headers of long files may be estimates (by bit rate), so a part in a hundred may be missing, …
const TOLERANCE_PERCENT: u64 = 2;

/// … but never more than this: it would be content.
const TOLERANCE_MAX_MS: u64 = 10_000;

impl Expected {
    /// What `plan` promises.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let video = plan.video.as_ref();
        Self {
            video_ms: video.and_then(|video| video.end_ms),
            duration_ms: plan.duration_ms,
            has_video: video.is_some(),
        }
    }
}

/// How much may be missing at the end of `expected_ms`: 2 %, at least 1 s (but never more than half), at most 10 s.
#[must_use]
pub fn tolerance_ms(expected_ms: u64) -> u64 {
    let share = expected_ms * TOLERANCE_PERCENT / 100;
    share
        .clamp(TOLERANCE_MIN_MS, TOLERANCE_MAX_MS)
        .min(expected_ms / 2)
}

/// Decides. The picture is judged by its own end where the file tells it, else the longer of picture and sound by the
/// container's. No frame or no sound at all is always `Truncated`; where the file promises no duration, nothing else is.
#[must_use]
pub fn verdict(expected: &Expected, encoded: &Encoded) -> Verdict {
    let longest = encoded.video_ms.max(encoded.audio_ms);
    let (expected_ms, encoded_ms) = match (expected.video_ms, expected.duration_ms) {
        (Some(video_ms), _) => (video_ms, encoded.video_ms),
        (None, Some(duration_ms)) => (duration_ms, longest),
        (None, None) => (longest, longest),
    };
    let is_empty = longest == 0 || (expected.has_video && encoded.frames == 0);
    let missing_ms = expected_ms.saturating_sub(encoded_ms);
    if is_empty || missing_ms > tolerance_ms(expected_ms) {
        return Verdict::Truncated {
            expected_ms,
            encoded_ms: if is_empty { 0 } else { encoded_ms },
        };
    }
    if encoded.decode_errors > 0 {
        return Verdict::Degraded {
            decode_errors: encoded.decode_errors,
            missing_ms,
        };
    }
    Verdict::Complete
}
