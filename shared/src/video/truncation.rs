//! The verdict on an encode that ffmpeg reported as successful: is the result as long as the source declared?
//!
//! ffmpeg exits with 0 even if its input ends early or is damaged. A truncated source must fail. A source that is damaged in
//! places is published, and its owner is notified.

use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// What the probe declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected {
    /// End of the video in milliseconds; `None` if the file does not declare it or has no video.
    pub video_ms: Option<u64>,
    /// Duration in milliseconds, as declared by the container.
    pub duration_ms: Option<u64>,
    /// Whether there is a video stream.
    pub has_video: bool,
}

/// What was encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Total length of the video segments in milliseconds; 0 without video.
    pub video_ms: u64,
    /// Total length of the longest audio rendition's segments in milliseconds; 0 without audio.
    pub audio_ms: u64,
    /// Number of frames of a rung; 0 without video.
    pub frames: u64,
    /// Number of error lines of the decoder.
    pub decode_errors: u64,
}

/// The verdict on an encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Nothing is missing.
    Complete,
    /// It plays to the end, but is damaged.
    Degraded {
        /// Number of error lines of the decoder.
        decode_errors: u64,
        /// Time that is missing at the end in milliseconds, within the tolerance.
        missing_ms: u64,
    },
    /// The end is missing: nothing must be published.
    Truncated {
        /// Declared end in milliseconds.
        expected_ms: u64,
        /// Actual end in milliseconds.
        encoded_ms: u64,
    },
}

/// Smallest tolerance in milliseconds: containers round and may not count the last frame, and encoders add or drop a frame.
const TOLERANCE_MIN_MS: u64 = 1_000;

/// Tolerance in percent of the duration: in long files, the header may be an estimate (from the bit rate).
const TOLERANCE_PERCENT: u64 = 2;

/// Largest tolerance in milliseconds: more than this would be content.
const TOLERANCE_MAX_MS: u64 = 10_000;

impl Expected {
    /// What `plan` expects.
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

/// Time that may be missing at the end of `expected_ms`, in milliseconds: 2 %, at least 1 s (but at most half), at most 10
/// s.
#[must_use]
pub fn tolerance_ms(expected_ms: u64) -> u64 {
    let share = expected_ms * TOLERANCE_PERCENT / 100;
    share
        .clamp(TOLERANCE_MIN_MS, TOLERANCE_MAX_MS)
        .min(expected_ms / 2)
}

/// Compares the result with the declaration. If the file declares the end of the video stream, the video must reach it;
/// otherwise the longer of video and audio must reach the end of the container. A result without any frame or audio is
/// always
/// `Truncated`. If the file declares no duration, nothing else is.
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
