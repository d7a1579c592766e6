//! Video: from real reports of ffprobe to plans, argument lists, playlists and verdicts.

mod codecs;
mod command;
mod ladder;
mod language;
mod plan;
mod playlist;
mod preset;
mod progress;
mod source;
mod storyboard;
mod track;
mod truncation;

use shared::video::Rational;
use shared::video::source::{AudioStream, DynamicRange, Source, SubtitleStream, VideoStream};

/// A video stream: 1080p, 25 frames per second, ten minutes, H.264.
fn video_stream() -> VideoStream {
    VideoStream {
        index: 0,
        codec: Some("h264".to_owned()),
        profile: Some("High".to_owned()),
        level: Some(40),
        is_protected: false,
        coded_width: 1920,
        coded_height: 1080,
        sample_aspect_ratio: Rational::ONE,
        rotation: 0,
        width: 1920,
        height: 1080,
        frame_rate: Rational::new(25, 1),
        is_vfr: false,
        is_interlaced: false,
        pixel_format: Some("yuv420p".to_owned()),
        bit_depth: 8,
        dynamic_range: DynamicRange::Sdr,
        is_full_range: false,
        frames: Some(15_000),
        end_ms: Some(600_000),
    }
}

/// The same with `width` × `height` displayed pixels.
fn of_size(width: u32, height: u32) -> VideoStream {
    VideoStream {
        coded_width: width,
        coded_height: height,
        width,
        height,
        ..video_stream()
    }
}

/// Stereo AAC with the duration of [`video_stream`].
fn audio_stream(index: u32) -> AudioStream {
    AudioStream {
        index,
        codec: Some("aac".to_owned()),
        profile: Some("LC".to_owned()),
        is_protected: false,
        channels: 2,
        layout: Some("stereo".to_owned()),
        sample_rate: 48_000,
        language: None,
        title: None,
        is_default: false,
        end_ms: Some(600_000),
    }
}

fn text_subtitles(index: u32) -> SubtitleStream {
    SubtitleStream {
        index,
        codec: "subrip".to_owned(),
        language: None,
        title: None,
        is_default: false,
        is_forced: false,
    }
}

fn source(video: Option<VideoStream>, audio: Vec<AudioStream>) -> Source {
    Source {
        formats: vec!["mov".to_owned(), "mp4".to_owned()],
        brand: Some("isom".to_owned()),
        duration_ms: Some(600_000),
        start_ms: 0,
        bitrate_bps: None,
        streams_count: u32::from(video.is_some()) + u32::try_from(audio.len()).unwrap(),
        video,
        audio,
        subtitles: Vec::new(),
    }
}
