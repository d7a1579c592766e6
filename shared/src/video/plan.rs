//! [`plan()`] decides which renditions a source gets, before the first frame is decoded.

use serde::{Deserialize, Serialize};

use super::ladder::{self, Rung};
use super::number::{even_floor, narrow};
use super::preset::{GOP_MS, Preset, Speed};
use super::rational::Rational;
pub use super::remux::Remux;
use super::remux::{default_audio, remux};
use super::source::{AudioStream, DynamicRange, Source, SubtitleStream, VideoStream};
use super::storyboard::Storyboard;
use crate::image::{Fit, VariantFormat, VariantSpec};
use crate::problem::{ErrorCode, Failure};

/// Everything that is made from a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Duration of the source in milliseconds; `None` if the file does not declare it.
    pub duration_ms: Option<u64>,
    /// The ladder; `None` for audio only.
    pub video: Option<VideoPlan>,
    /// One rendition per audio stream, in the order of the file. Exactly one is the default.
    pub audio: Vec<AudioRendition>,
    /// One rendition per stream of text subtitles.
    pub subtitles: Vec<SubtitleRendition>,
    /// Length of a segment in milliseconds.
    pub segment_ms: u32,
    /// `EXT-X-TARGETDURATION` of every version of every playlist: no segment is longer.
    pub target_duration_s: u32,
    /// Bit rate of each audio rendition in bits per second.
    pub audio_bitrate_bps: u32,
    /// Streams that browsers can play without re-encoding; `None` if there are none.
    pub remux: Option<Remux>,
}

/// Everything that is made from the video stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoPlan {
    /// Index of the stream in the file.
    pub stream: u32,
    /// End of the video in milliseconds from the start of the file, including the time for which the last frame is held
    /// while
    /// the audio continues; `None` if the stream does not declare it.
    pub end_ms: Option<u64>,
    /// Number of frames of each rung; `None` if the duration is unknown.
    pub frames: Option<u64>,
    /// Filters that run before the frames are split into rungs, in order.
    pub filters: Vec<Filter>,
    /// Frame rate of every rung.
    pub fps: Rational,
    /// Largest number of frames between two key frames. Key frames are forced every two seconds.
    pub gop_frames: u32,
    /// Preset of x264.
    pub speed: Speed,
    /// Rungs, from small to large; at least one.
    pub rungs: Vec<Rung>,
    /// Number of the rung from which the MP4 is made.
    pub mp4_rung: u32,
    /// Poster and thumbnail.
    pub poster: Poster,
    /// Storyboard; `None` if the duration is unknown. It is then planned after the encode.
    pub storyboard: Option<Storyboard>,
}

/// A filter that runs before the frames are split into rungs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Deinterlaces: two fields become one frame.
    Deinterlace,
    /// Constant frame rate; the first frame is at time zero.
    Fps(Rational),
    /// Holds the last frame for this many milliseconds while the audio continues.
    Hold(u64),
    /// Converts full range to limited range.
    FullRange,
    /// Converts RGB to YCbCr.
    Rgb,
    /// Maps high dynamic range to standard range, at the size of the largest rung.
    ToneMap(DynamicRange),
}

/// An audio rendition: AAC, stereo, 48 kHz.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioRendition {
    /// Position, starting at 0: the number in its file names.
    pub number: u32,
    /// Index of the stream in the file.
    pub stream: u32,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// Display name, unique among the audio renditions.
    pub name: String,
    /// Whether it is played by default.
    pub is_default: bool,
    /// How its channels are mixed down to stereo.
    pub downmix: Downmix,
    /// Where it is cut or padded with silence so that it ends with the video, in milliseconds; `None` keeps its own end.
    pub end_ms: Option<u64>,
}

/// How the channels of a source are mixed down to stereo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Downmix {
    /// With the standard coefficients of the channel layout.
    Layout,
    /// The layout is unknown: the first two channels become left and right.
    FirstTwo,
}

/// A subtitle rendition: `WebVTT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleRendition {
    /// Position, starting at 0: the number in its file name.
    pub number: u32,
    /// Index of the stream in the file.
    pub stream: u32,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// Display name, unique among the subtitle renditions.
    pub name: String,
    /// Whether it is shown by default.
    pub is_default: bool,
    /// Whether it is shown even if subtitles are off.
    pub is_forced: bool,
}

/// Poster and thumbnail: the same frame in two sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poster {
    /// Time of the frame in milliseconds.
    pub at_ms: u64,
    /// Width of the poster in pixels.
    pub width: u32,
    /// Height of the poster in pixels.
    pub height: u32,
    /// Width to which the frame is scaled before the thumbnail is cropped from its centre.
    pub cover_width: u32,
    /// Height to which the frame is scaled before the crop.
    pub cover_height: u32,
    /// Width of the thumbnail in pixels.
    pub thumbnail_width: u32,
    /// Height of the thumbnail in pixels.
    pub thumbnail_height: u32,
}

impl Plan {
    /// Whether there is no video.
    #[must_use]
    pub const fn is_audio_only(&self) -> bool {
        self.video.is_none()
    }
}

/// Plans the renditions of `source` with the tenant's `preset`.
///
/// ```
/// use shared::video::{Preset, Source, plan, probe::Report};
///
/// // What ffprobe prints for a video of one minute.
/// let report = Report::parse(br#"{
///     "streams": [
///         {"index": 0, "codec_type": "video", "codec_name": "hevc", "width": 1920, "height": 1080,
///          "avg_frame_rate": "25/1", "r_frame_rate": "25/1", "pix_fmt": "yuv420p", "duration": "60.0"},
///         {"index": 1, "codec_type": "audio", "codec_name": "aac", "sample_rate": "44100", "channels": 2,
///          "channel_layout": "stereo", "duration": "60.0", "tags": {"language": "eng"}}
///     ],
///     "format": {"format_name": "mov,mp4,m4a,3gp,3g2,mj2", "duration": "60.0"}
/// }"#)?;
/// let source = Source::from_report(&report);
/// let plan = plan(&source, &Preset::default()).map_err(|failure| failure.detail)?;
///
/// let video = plan.video.ok_or("no video")?;
/// let rungs: Vec<&str> = video.rungs.iter().map(|rung| rung.name.as_str()).collect();
/// assert_eq!(rungs, ["360p", "480p", "720p", "1080p"]);
/// assert_eq!((plan.segment_ms, video.gop_frames), (4_000, 50));
/// assert_eq!(plan.audio[0].language.as_deref(), Some("en"));
/// // H.265 does not play in every browser, so nothing is remuxed.
/// assert_eq!(plan.remux, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// `media_no_streams`, `media_too_large` or `media_unsupported`. The detail names the stream, the limit or the feature. A
/// retry
/// cannot help.
pub fn plan(source: &Source, preset: &Preset) -> Result<Plan, Failure> {
    check(source, preset)?;
    let segment_ms = preset.segment_ms(source.duration_ms);
    let video = source
        .video
        .as_ref()
        .map(|video| video_plan(video, source, preset));
    let fps = video.as_ref().map(|video| video.fps);
    let audio = audio_renditions(source, video.as_ref().and_then(|video| video.end_ms));
    Ok(Plan {
        duration_ms: source.duration_ms,
        audio,
        subtitles: if video.is_some() {
            subtitle_renditions(&source.subtitles)
        } else {
            Vec::new()
        },
        segment_ms,
        target_duration_s: target_duration_s(segment_ms, fps),
        audio_bitrate_bps: preset.audio_bitrate_bps,
        remux: remux(source),
        video,
    })
}

/// A segment ends with the frame that reaches its length, so it is longer by less than one frame. A video frame lasts one
/// period of the frame rate; an audio frame has 1 024 samples, 22 ms at 48 kHz.
fn target_duration_s(segment_ms: u32, fps: Option<Rational>) -> u32 {
    let frame_ms = fps.map_or(0, Rational::period_ms).max(22);
    narrow((u64::from(segment_ms) + frame_ms).div_ceil(1_000))
}

fn check(source: &Source, preset: &Preset) -> Result<(), Failure> {
    let too_large = |detail| Err(Failure::new(ErrorCode::MediaTooLarge, detail));
    let unsupported = |detail| Err(Failure::new(ErrorCode::MediaUnsupported, detail));
    let limits = &preset.limits;
    if source.video.is_none() && source.audio.is_empty() {
        let detail = "The file has neither video nor audio (cover art does not count). Upload a file with at least one.";
        return Err(Failure::new(ErrorCode::MediaNoStreams, detail));
    }
    if source.streams_count > limits.streams_max {
        return too_large(format!(
            "The file has {} streams; at most {} are supported. Upload it with fewer streams.",
            source.streams_count, limits.streams_max
        ));
    }
    if let Some(duration_ms) = source.duration_ms
        && duration_ms > limits.duration_max_ms
    {
        return too_large(format!(
            "The file has a duration of {duration_ms} ms; at most {} ms are supported. Split it into parts.",
            limits.duration_max_ms
        ));
    }
    let protected = source
        .video
        .as_ref()
        .is_some_and(|video| video.is_protected)
        || source.audio.iter().any(|audio| audio.is_protected);
    if protected {
        let detail =
            "The file is encrypted (DRM) and cannot be decoded. Upload it without protection.";
        return unsupported(detail.to_owned());
    }
    if let Some(audio) = source.audio.iter().find(|audio| audio.codec.is_none()) {
        return unsupported(format!(
            "The audio codec of stream {} is unknown. Convert it to AAC, Opus, MP3, FLAC or PCM.",
            audio.index
        ));
    }
    let Some(video) = &source.video else {
        return Ok(());
    };
    if video.codec.is_none() {
        return unsupported(format!(
            "The video codec of stream {} is unknown. Convert it to H.264, H.265, VP9 or AV1.",
            video.index
        ));
    }
    if video.width == 0 || video.height == 0 {
        return unsupported(format!(
            "The video in stream {} has no frame size, so it cannot be decoded. Export it again.",
            video.index
        ));
    }
    let sides = [
        video.width,
        video.height,
        video.coded_width,
        video.coded_height,
    ];
    if sides.into_iter().any(|side| side > limits.side_max) {
        return too_large(format!(
            "The video has {}×{} pixels ({}×{} as stored); at most {} per side are supported. Scale it down.",
            video.width, video.height, video.coded_width, video.coded_height, limits.side_max
        ));
    }
    Ok(())
}

fn video_plan(video: &VideoStream, source: &Source, preset: &Preset) -> VideoPlan {
    let fps = ladder::frame_rate(video, preset.fps_max);
    let rungs = ladder::rungs(video, preset, fps);
    let mp4 = rungs
        .iter()
        .rfind(|rung| rung.width.min(rung.height) <= preset.mp4_short_side_max)
        .or_else(|| rungs.first());
    let (mp4_rung, poster_size) =
        mp4.map_or((0, (2, 2)), |rung| (rung.number, (rung.width, rung.height)));
    let hold_ms = hold_ms(video, &source.audio);
    let held_end_ms = video.end_ms.map(|end_ms| end_ms + hold_ms);
    let end_ms = held_end_ms.or(source.duration_ms);
    let mut filters = Vec::new();
    if video.is_interlaced {
        filters.push(Filter::Deinterlace);
    }
    filters.push(Filter::Fps(fps));
    if hold_ms > 0 {
        filters.push(Filter::Hold(hold_ms));
    }
    match video.dynamic_range {
        DynamicRange::Sdr if is_rgb(video) => filters.push(Filter::Rgb),
        DynamicRange::Sdr if video.is_full_range => filters.push(Filter::FullRange),
        DynamicRange::Sdr => {}
        range @ (DynamicRange::Pq | DynamicRange::Hlg) => filters.push(Filter::ToneMap(range)),
    }
    let gop = (u64::from(fps.num()) * u64::from(GOP_MS)).div_ceil(u64::from(fps.den()) * 1_000);
    VideoPlan {
        stream: video.index,
        end_ms: held_end_ms,
        frames: end_ms.map(|end_ms| fps.count_in_ms(end_ms).max(1)),
        filters,
        fps,
        gop_frames: narrow(gop).max(1),
        speed: preset.speed,
        rungs,
        mp4_rung,
        poster: poster(video, poster_size, video.end_ms.or(source.duration_ms)),
        storyboard: end_ms.map(|end_ms| Storyboard::new(video.width, video.height, end_ms, fps)),
    }
}

/// Whether the pixel format is RGB (`rgb24`, `gbrp10le`, `0bgr`, `pal8`).
fn is_rgb(video: &VideoStream) -> bool {
    let name = video.pixel_format.as_deref().unwrap_or_default();
    ["rgb", "bgr", "gbr", "argb", "abgr", "pal8"]
        .iter()
        .any(|mark| name.contains(mark))
}

/// The poster's frame is a tenth into the video, but at most 10 s: past a black start and titles. Videos shorter than 1 s
/// use
/// the first frame.
fn poster(video: &VideoStream, (width, height): (u32, u32), end_ms: Option<u64>) -> Poster {
    let at_ms = end_ms
        .filter(|&end_ms| end_ms >= 1_000)
        .map_or(0, |end_ms| (end_ms / 10).min(10_000));
    let spec = VariantSpec {
        name: String::new(),
        width: 320,
        height: 240,
        fit: Fit::Cover,
        quality: 80,
        format: VariantFormat::default(),
    };
    let cut = spec.geometry(video.width, video.height);
    // 4:2:0 requires a crop with even sides.
    let (kept_width, kept_height) = (even_floor(cut.width), even_floor(cut.height));
    // The whole frame is scaled so that the cropped part has the thumbnail's size, never smaller.
    let scaled = |side: u32, kept: u32, crop: f64| {
        let side = f64::from(side) * f64::from(kept) / crop.max(1.0);
        narrow(super::number::whole(side)).max(kept)
    };
    Poster {
        at_ms,
        width,
        height,
        cover_width: scaled(video.width, kept_width, cut.crop.width),
        cover_height: scaled(video.height, kept_height, cut.crop.height),
        thumbnail_width: kept_width,
        thumbnail_height: kept_height,
    }
}

/// Audio that continues for at most this many milliseconds after the video is cut: containers round, and encoders append a
/// frame.
const OVERHANG_MAX_MS: u64 = 150;

/// How long the last frame is held because the audio continues, in milliseconds. Players stall if the renditions of a video
/// end at different times.
fn hold_ms(video: &VideoStream, audio: &[AudioStream]) -> u64 {
    let longest = audio.iter().filter_map(|stream| stream.end_ms).max();
    let (Some(video_end), Some(audio_end)) = (video.end_ms, longest) else {
        return 0;
    };
    let after = audio_end.saturating_sub(video_end);
    if after > OVERHANG_MAX_MS { after } else { 0 }
}

fn audio_renditions(source: &Source, end_ms: Option<u64>) -> Vec<AudioRendition> {
    let default = default_audio(&source.audio).map(|stream| stream.index);
    let mut names = Names::default();
    (0..)
        .zip(&source.audio)
        .map(|(number, stream)| AudioRendition {
            number,
            stream: stream.index,
            language: stream.language.clone(),
            name: names.pick(stream.title.as_deref(), stream.language.as_deref(), "Audio"),
            is_default: Some(stream.index) == default,
            downmix: downmix(stream),
            end_ms,
        })
        .collect()
}

/// ffmpeg guesses a layout for up to eight channels and fails for more.
fn downmix(stream: &AudioStream) -> Downmix {
    if stream.layout.is_none() && stream.channels > 8 {
        Downmix::FirstTwo
    } else {
        Downmix::Layout
    }
}

fn subtitle_renditions(streams: &[SubtitleStream]) -> Vec<SubtitleRendition> {
    let default = streams
        .iter()
        .find(|stream| stream.is_default && stream.is_forced);
    let default = default.map(|stream| stream.index);
    let mut names = Names::default();
    (0..)
        .zip(streams)
        .map(|(number, stream)| SubtitleRendition {
            number,
            stream: stream.index,
            language: stream.language.clone(),
            name: names.pick(
                stream.title.as_deref(),
                stream.language.as_deref(),
                "Subtitles",
            ),
            is_default: Some(stream.index) == default,
            is_forced: stream.is_forced,
        })
        .collect()
}

/// Names already in use: in a group of renditions they must be unique.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    /// The title, or else the language, or else `fallback`; numbered if the name is already in use.
    fn pick(&mut self, title: Option<&str>, language: Option<&str>, fallback: &str) -> String {
        let base = title.or(language).unwrap_or(fallback);
        let base: String = base.chars().filter(|c| !c.is_control()).take(64).collect();
        let mut name = base.clone();
        let mut number = 2;
        while self.0.contains(&name) {
            name = format!("{base} {number}");
            number += 1;
        }
        self.0.push(name.clone());
        name
    }
}
