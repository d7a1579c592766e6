//! Whether the source's own streams can be played in an MP4, without re-encoding.

use serde::{Deserialize, Serialize};

use super::rational::Rational;
use super::source::{AudioStream, DynamicRange, Source, VideoStream};

/// Streams that browsers can play without re-encoding. They are copied into an MP4, which takes only moments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remux {
    /// Index of the video stream.
    pub video: u32,
    /// Index of the audio stream, if there is one.
    pub audio: Option<u32>,
    /// Whether the source already is an MP4: then the original itself is playable.
    pub is_mp4: bool,
    /// End of the longer stream in milliseconds from the start of the file; `None` if unknown.
    pub end_ms: Option<u64>,
    /// Approximate number of video and audio frames; `None` if the duration is unknown.
    pub frames: Option<u64>,
}

/// Limits (longer side, shorter side, level, frame rate) up to which every device with a hardware decoder for H.264 can
/// play.
const LONG_SIDE_MAX: u32 = 1_920;
const SHORT_SIDE_MAX: u32 = 1_088;
const LEVEL_MAX: u32 = 42;
const FPS_MAX: Rational = Rational::whole(60);

/// The streams to copy; `None` if the result would not play everywhere.
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

/// Approximate number of frames. AAC has one frame per 1 024 samples.
fn frames(duration_ms: u64, video: &VideoStream, audio: Option<&AudioStream>) -> u64 {
    let video_frames = video
        .frame_rate
        .map_or(0, |rate| rate.count_in_ms(duration_ms));
    let rate = audio.map_or(0, |audio| u64::from(audio.sample_rate));
    video_frames + duration_ms.saturating_mul(rate) / 1_024_000
}

/// The audio stream that is played by default.
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
