//! Whether a source can be played as it is, in another container.

use serde::{Deserialize, Serialize};

use super::rational::Rational;
use super::source::{AudioStream, DynamicRange, Source, VideoStream};

/// Streams that a browser plays as they are: copied into an MP4 they are there in a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remux {
    /// Index of the video.
    pub video: u32,
    /// Index of the sound, if there is any.
    pub audio: Option<u32>,
    /// Whether they are in an MP4 already: then the original plays, too.
    pub is_mp4: bool,
    /// When both are over, from the start of the file; `None` if nobody knows.
    pub end_ms: Option<u64>,
    /// How many frames of picture and sound there are, more or less; `None` if no duration is known.
    pub frames: Option<u64>,
}

/// Longest and shorter side, level and rate up to which every device with H.264 in hardware plays.
const LONG_SIDE_MAX: u32 = 1_920;
const SHORT_SIDE_MAX: u32 = 1_088;
const LEVEL_MAX: u32 = 42;
const FPS_MAX: Rational = Rational::whole(60);

/// The streams to copy; `None` if something would not play everywhere.
pub(super) fn remux(source: &Source) -> Option<Remux> {
    let video = source.video.as_ref().filter(|video| plays(video))?;
    let audio = default_audio(&source.audio);
    if audio.is_some_and(|audio| audio.codec.as_deref() != Some("aac") || audio.channels == 0) {
        return None;
    }
    Some(Remux {
        video: video.index,
        audio: audio.map(|audio| audio.index),
        is_mp4: source.is_mp4(),
        end_ms: match (video.end_ms, audio.map(|audio| audio.end_ms)) {
            (Some(video_ms), None) => Some(video_ms),
            (Some(video_ms), Some(Some(audio_ms))) => Some(video_ms.max(audio_ms)),
            (None, _) | (_, Some(None)) => source.duration_ms,
        },
        frames: source
            .duration_ms
            .map(|duration_ms| frames(duration_ms, video, audio)),
    })
}

/// AAC has a frame for each 1 024 samples.
fn frames(duration_ms: u64, video: &VideoStream, audio: Option<&AudioStream>) -> u64 {
    let pictures = video
        .frame_rate
        .map_or(0, |rate| rate.count_in_ms(duration_ms));
    let rate = audio.map_or(0, |audio| u64::from(audio.sample_rate));
    pictures + duration_ms.saturating_mul(rate) / 1_024_000
}

/// The sound that is played unless somebody chooses.
pub(super) fn default_audio(audio: &[AudioStream]) -> Option<&AudioStream> {
    audio
        .iter()
        .find(|stream| stream.is_default)
        .or_else(|| audio.first())
}

fn plays(video: &VideoStream) -> bool {
    let profile = video.profile.as_deref().unwrap_or_default();
    video.codec.as_deref() == Some("h264")
        && matches!(
            profile,
            "Constrained Baseline" | "Baseline" | "Main" | "High"
        )
        && matches!(video.pixel_format.as_deref(), Some("yuv420p" | "yuvj420p"))
        && video.bit_depth == 8
        && video.dynamic_range == DynamicRange::Sdr
        && !video.is_interlaced
        && video.level.is_none_or(|level| level <= LEVEL_MAX)
        && video.width.max(video.height) <= LONG_SIDE_MAX
        && video.short_side() <= SHORT_SIDE_MAX
        && video.frame_rate.is_some_and(|rate| rate <= FPS_MAX)
}
