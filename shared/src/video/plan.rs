//! [`plan()`]: what is made of a source, decided before the first frame is decoded.

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

/// All that is made of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How long the source plays, if it says so.
    pub duration_ms: Option<u64>,
    /// The ladder; `None`: sound only.
    pub video: Option<VideoPlan>,
    /// One rendition for each stream of sound, in the order of the file; one of them is the default.
    pub audio: Vec<AudioRendition>,
    /// One rendition for each stream of text subtitles.
    pub subtitles: Vec<SubtitleRendition>,
    /// Length of a segment.
    pub segment_ms: u32,
    /// `EXT-X-TARGETDURATION` of every playlist, from the first to the last: no segment is longer.
    pub target_duration_s: u32,
    /// Bits per second of each audio rendition.
    pub audio_bitrate_bps: u32,
    /// Streams that a browser plays as they are.
    pub remux: Option<Remux>,
}

/// What is made of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoPlan {
    /// Index of the stream in the file.
    pub stream: u32,
    /// When the picture ends, counted from the start of the file, its last frame held as long as sound goes on; `None` if only
    /// the container knows, or nobody.
    pub end_ms: Option<u64>,
    /// Frames that the ladder will have; `None` if no duration is known.
    pub frames: Option<u64>,
    /// Steps before the picture is split, in order.
    pub filters: Vec<Filter>,
    /// Frames per second of every rung.
    pub fps: Rational,
    /// Frames of a group of pictures at most; key frames are forced every two seconds.
    pub gop_frames: u32,
    /// Preset of x264.
    pub speed: Speed,
    /// Rungs from small to large; at least one.
    pub rungs: Vec<Rung>,
    /// Number of the rung that the MP4 is made from.
    pub mp4_rung: u32,
    /// Poster and thumbnail.
    pub poster: Poster,
    /// The sprite; `None` if the duration is unknown (made later, when it is known).
    pub storyboard: Option<Storyboard>,
}

/// A step before the picture is split into rungs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Two fields become one frame.
    Deinterlace,
    /// Frames at even times, the first at zero.
    Fps(Rational),
    /// The last frame is shown so long after its end, in milliseconds: while sound goes on.
    Hold(u64),
    /// Full range becomes limited range.
    FullRange,
    /// Red, green and blue become luma and chroma.
    Rgb,
    /// High dynamic range becomes standard, at the size of the largest rung.
    ToneMap(DynamicRange),
}

/// One rendition of sound: AAC, stereo, 48 kHz.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioRendition {
    /// Its place, from 0: the number in its file names.
    pub number: u32,
    /// Index of the stream in the file.
    pub stream: u32,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// Name for people, unique among the renditions of sound.
    pub name: String,
    /// Whether it is played unless somebody chooses.
    pub is_default: bool,
    /// How its channels become two.
    pub downmix: Downmix,
    /// Where it is cut or filled up with silence, so that it ends with the picture; `None`: it keeps its own end.
    pub end_ms: Option<u64>,
}

/// How the channels of a source become two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Downmix {
    /// By the layout: the usual coefficients.
    Layout,
    /// Nobody knows which channel is what: the first two are left and right.
    FirstTwo,
}

/// One rendition of subtitles: `WebVTT`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubtitleRendition {
    /// Its place, from 0: the number in its file name.
    pub number: u32,
    /// Index of the stream in the file.
    pub stream: u32,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// Name for people, unique among the renditions of subtitles.
    pub name: String,
    /// Whether it is shown unless somebody chooses.
    pub is_default: bool,
    /// Whether it is shown even if subtitles are off.
    pub is_forced: bool,
}

/// Poster and thumbnail: the same frame in two sizes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poster {
    /// Where the frame is.
    pub at_ms: u64,
    /// Width of the poster.
    pub width: u32,
    /// Height of the poster.
    pub height: u32,
    /// The frame is scaled to this before the thumbnail is cut out of its middle.
    pub cover_width: u32,
    /// The same, its height.
    pub cover_height: u32,
    /// Width of the thumbnail.
    pub thumbnail_width: u32,
    /// Height of the thumbnail.
    pub thumbnail_height: u32,
}

impl Plan {
    /// Whether there is no picture.
    #[must_use]
    pub const fn is_audio_only(&self) -> bool {
        self.video.is_none()
    }
}

/// Decides what is made of `source`. A refusal is final: its code says whose limit or which feature it was.
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

/// A segment ends with the frame that reaches its length, so it is longer by less than a frame (of picture or of sound:
/// 1 024 samples at 48 kHz are 22 ms).
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
            "The file has {} streams; at most {} are taken. Upload it with fewer.",
            source.streams_count, limits.streams_max
        ));
    }
    if let Some(duration_ms) = source.duration_ms
        && duration_ms > limits.duration_max_ms
    {
        return too_large(format!(
            "The file plays for {duration_ms} ms; at most {} ms are taken. Cut it into parts.",
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
            "The codec of the audio in stream {} is not known. Convert it to AAC, Opus, MP3, FLAC or PCM.",
            audio.index
        ));
    }
    let Some(video) = &source.video else {
        return Ok(());
    };
    if video.codec.is_none() {
        return unsupported(format!(
            "The codec of the video in stream {} is not known. Convert it to H.264, H.265, VP9 or AV1.",
            video.index
        ));
    }
    if video.width == 0 || video.height == 0 {
        return unsupported(format!(
            "The video in stream {} has no size, so nothing of it can be decoded. Export it again.",
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
            "The picture is {}×{} ({}×{} as stored); no side may be longer than {}. Scale it down.",
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
    let picture_end_ms = video.end_ms.map(|end_ms| end_ms + hold_ms);
    let end_ms = picture_end_ms.or(source.duration_ms);
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
        end_ms: picture_end_ms,
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

/// Whether samples are red, green and blue (`rgb24`, `gbrp10le`, `0bgr`, `pal8`).
fn is_rgb(video: &VideoStream) -> bool {
    let name = video.pixel_format.as_deref().unwrap_or_default();
    ["rgb", "bgr", "gbr", "argb", "abgr", "pal8"]
        .iter()
        .any(|mark| name.contains(mark))
}

/// A tenth in, at most ten seconds: past the black and the title, before anyone has waited. Short ones show their first frame.
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
    // A crop of 4:2:0 is even.
    let (kept_width, kept_height) = (even_floor(cut.width), even_floor(cut.height));
    // The whole frame is scaled so that the part that is kept has the thumbnail's size; never smaller than that.
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

/// Sound that ends this long after the picture is cut with it: containers round, and encoders end with a frame of their own.
const OVERHANG_MAX_MS: u64 = 150;

/// How long sound goes on after the picture. Players stall where renditions of one film end at different times.
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

/// ffmpeg guesses a layout for up to eight channels; beyond that it refuses.
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

/// Names that were given: in a group of renditions none may stand twice.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    /// Title, else language, else `fallback`; with a number if that was given before.
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
