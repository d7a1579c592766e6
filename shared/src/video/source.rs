//! [`Source`]: the facts about a file, extracted from ffprobe's report and stored.

use serde::{Deserialize, Serialize};

use super::language;
use super::number::{narrow, real, whole};
use super::probe::{Report, Stream};
use super::rational::Rational;
use crate::words::words;

words! {
    /// Dynamic range of a video.
    DynamicRange {
        /// Standard.
        Sdr = "sdr",
        /// High: SMPTE ST 2084 (HDR10, HDR10+, Dolby Vision with such a base layer).
        Pq = "pq",
        /// High: ARIB STD-B67 (HLG).
        Hlg = "hlg",
    }
}

/// A probed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Source {
    /// Names of the container format.
    pub formats: Vec<String>,
    /// Major brand of an MP4; `qt` for `QuickTime`.
    pub brand: Option<String>,
    /// Duration in milliseconds; `None` if the file does not declare it (for example fragmented or damaged files).
    pub duration_ms: Option<u64>,
    /// Time of the first sample in milliseconds.
    pub start_ms: i64,
    /// Bit rate of the whole file in bits per second.
    pub bitrate_bps: Option<u64>,
    /// The video stream that is processed.
    pub video: Option<VideoStream>,
    /// All audio streams.
    pub audio: Vec<AudioStream>,
    /// All text subtitle streams.
    pub subtitles: Vec<SubtitleStream>,
    /// Number of streams of any kind, including cover art and data.
    pub streams_count: u32,
}

/// The video stream that is processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of a file that do not depend on each other"
)]
pub struct VideoStream {
    /// Index in the file.
    pub index: u32,
    /// Codec, by ffmpeg's name; `None` if unknown.
    pub codec: Option<String>,
    /// Profile of the codec.
    pub profile: Option<String>,
    /// Level in the codec's own numbering (41 is level 4.1 of H.264).
    pub level: Option<u32>,
    /// Whether it is encrypted.
    pub is_protected: bool,
    /// Width as stored, in pixels.
    pub coded_width: u32,
    /// Height as stored, in pixels.
    pub coded_height: u32,
    /// Width of a sample divided by its height.
    pub sample_aspect_ratio: Rational,
    /// Rotation for display in degrees, clockwise: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Displayed width in square pixels.
    pub width: u32,
    /// Displayed height in square pixels.
    pub height: u32,
    /// Average frame rate; `None` if unknown.
    pub frame_rate: Option<Rational>,
    /// Whether the frame rate is variable.
    pub is_vfr: bool,
    /// Whether it is interlaced.
    pub is_interlaced: bool,
    /// Pixel format, by ffmpeg's name.
    pub pixel_format: Option<String>,
    /// Bits per sample.
    pub bit_depth: u8,
    /// Dynamic range.
    pub dynamic_range: DynamicRange,
    /// Whether samples use the full range (`pc`).
    pub is_full_range: bool,
    /// Number of frames, if the container declares it.
    pub frames: Option<u64>,
    /// End of the last frame in milliseconds from the start of the file; `None` if the stream does not declare it.
    pub end_ms: Option<u64>,
}

/// One audio stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudioStream {
    /// Index in the file.
    pub index: u32,
    /// Codec, by ffmpeg's name; `None` if unknown.
    pub codec: Option<String>,
    /// Profile of the codec.
    pub profile: Option<String>,
    /// Whether it is encrypted.
    pub is_protected: bool,
    /// Number of channels.
    pub channels: u32,
    /// Channel layout, if known.
    pub layout: Option<String>,
    /// Sample rate in hertz.
    pub sample_rate: u32,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// Title given by the author.
    pub title: Option<String>,
    /// Whether it is played by default.
    pub is_default: bool,
    /// End in milliseconds from the start of the file; `None` if unknown.
    pub end_ms: Option<u64>,
}

/// One text subtitle stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubtitleStream {
    /// Index in the file.
    pub index: u32,
    /// Codec.
    pub codec: String,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// Title given by the author.
    pub title: Option<String>,
    /// Whether it is shown by default.
    pub is_default: bool,
    /// Whether it is shown even if subtitles are off.
    pub is_forced: bool,
}

/// Text subtitle codecs, which become `WebVTT`. Other subtitles are bitmaps.
const TEXT_SUBTITLES: [&str; 6] = ["mov_text", "subrip", "ass", "ssa", "webvtt", "text"];

/// Image codecs. A stream with one frame or without a frame rate is cover art, whatever its disposition.
const IMAGE_CODECS: [&str; 8] = [
    "mjpeg", "png", "bmp", "gif", "tiff", "webp", "jpegxl", "jpegls",
];

/// Codec tags of encrypted streams (MP4 sample entries).
const PROTECTED: [&str; 4] = ["encv", "enca", "drmi", "drms"];

impl Source {
    /// Whether browsers recognize it as an MP4. Some of them do not support the media type of `QuickTime`.
    #[must_use]
    pub fn is_mp4(&self) -> bool {
        self.formats.iter().any(|format| format == "mp4") && self.brand.as_deref() != Some("qt")
    }

    /// Extracts the facts from ffprobe's report.
    #[must_use]
    pub fn from_report(report: &Report) -> Self {
        let start = report.format.start_time.filter(|start| start.is_finite());
        let start = start.unwrap_or(0.0);
        let of_type = |name: &'static str| {
            report
                .streams
                .iter()
                .filter(move |stream| stream.codec_type.as_deref() == Some(name))
        };
        let videos = || of_type("video").filter(|stream| !is_cover(stream));
        let video = videos()
            .find(|stream| is_known(stream) && *stream.width > Some(0) && *stream.height > Some(0))
            .or_else(|| videos().next())
            .and_then(|stream| VideoStream::from_stream(stream, start));
        let mut audio: Vec<_> = of_type("audio")
            .filter_map(|stream| AudioStream::from_stream(stream, start))
            .collect();
        // Phones add audio tracks with codecs that ffmpeg does not support (spatial audio) to one that it does.
        if audio.iter().any(|stream| stream.codec.is_some()) {
            audio.retain(|stream| stream.codec.is_some());
        }
        let duration_ms = duration_ms(report, start, video.as_ref(), &audio);
        Self {
            formats: report
                .format
                .format_name
                .as_deref()
                .map_or_else(Vec::new, |names| {
                    names.split(',').map(str::to_owned).collect()
                }),
            brand: report.format.tags.get("major_brand").map(str::to_owned),
            duration_ms,
            start_ms: signed_milliseconds(start),
            bitrate_bps: *report.format.bit_rate,
            video,
            audio,
            subtitles: of_type("subtitle")
                .filter_map(SubtitleStream::from_stream)
                .collect(),
            streams_count: narrow(u64::try_from(report.streams.len()).unwrap_or(u64::MAX)),
        }
    }
}

/// Duration of video and audio in milliseconds. Trap: the duration of a Matroska file is the time of its end, even if its
/// timestamps do not start at zero and even if a subtitle is what ends last.
fn duration_ms(
    report: &Report,
    start: f64,
    video: Option<&VideoStream>,
    audio: &[AudioStream],
) -> Option<u64> {
    let ends = video.into_iter().map(|video| video.end_ms);
    let ends: Vec<_> = ends.chain(audio.iter().map(|audio| audio.end_ms)).collect();
    let longest = ends.iter().copied().flatten().max();
    let names = report.format.format_name.as_deref().unwrap_or_default();
    let is_matroska = names.split(',').any(|name| name == "matroska");
    if is_matroska && ends.iter().all(Option::is_some) && longest.is_some() {
        return longest;
    }
    let before = if is_matroska { start } else { 0.0 };
    let declared = report.format.duration.map(|duration| duration - before);
    declared.and_then(milliseconds).or(longest)
}

impl VideoStream {
    fn from_stream(stream: &Stream, start: f64) -> Option<Self> {
        let (coded_width, coded_height) = (stream.width.unwrap_or(0), stream.height.unwrap_or(0));
        let ratio = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        let sample_aspect_ratio = ratio(&stream.sample_aspect_ratio).unwrap_or(Rational::ONE);
        let rotation = rotation(stream);
        let (width, height) = displayed(coded_width, coded_height, sample_aspect_ratio, rotation);
        let (average, nominal) = (ratio(&stream.avg_frame_rate), ratio(&stream.r_frame_rate));
        Some(Self {
            index: (*stream.index)?,
            codec: codec(stream),
            profile: (*stream.profile).clone(),
            level: stream.level.and_then(|level| u32::try_from(level).ok()),
            is_protected: is_protected(stream),
            coded_width,
            coded_height,
            sample_aspect_ratio,
            rotation,
            width,
            height,
            frame_rate: average.or(nominal),
            is_vfr: average.is_some() && nominal.is_some() && average != nominal,
            is_interlaced: matches!(
                stream.field_order.as_deref(),
                Some("tt" | "bb" | "tb" | "bt")
            ),
            pixel_format: (*stream.pix_fmt).clone().filter(|name| name != "unknown"),
            bit_depth: bit_depth(stream),
            dynamic_range: match stream.color_transfer.as_deref() {
                Some("smpte2084") => DynamicRange::Pq,
                Some("arib-std-b67") => DynamicRange::Hlg,
                _ => DynamicRange::Sdr,
            },
            is_full_range: stream.color_range.as_deref() == Some("pc")
                || stream
                    .pix_fmt
                    .as_deref()
                    .is_some_and(|name| name.starts_with("yuvj")),
            frames: stream.nb_frames.filter(|&frames| frames > 0),
            end_ms: end_ms(stream, start),
        })
    }

    /// The shorter displayed side.
    #[must_use]
    pub fn short_side(&self) -> u32 {
        self.width.min(self.height)
    }
}

impl AudioStream {
    fn from_stream(stream: &Stream, start: f64) -> Option<Self> {
        Some(Self {
            index: (*stream.index)?,
            codec: codec(stream),
            profile: (*stream.profile).clone(),
            is_protected: is_protected(stream),
            channels: stream.channels.unwrap_or(0),
            layout: (*stream.channel_layout)
                .clone()
                .filter(|layout| !layout.is_empty() && layout != "unknown"),
            sample_rate: stream.sample_rate.unwrap_or(0),
            language: stream.tags.get("language").and_then(language::tag),
            title: title(stream),
            is_default: stream.disposition.default == 1,
            end_ms: end_ms(stream, start),
        })
    }
}

impl SubtitleStream {
    fn from_stream(stream: &Stream) -> Option<Self> {
        Some(Self {
            index: (*stream.index)?,
            codec: codec(stream).filter(|codec| TEXT_SUBTITLES.contains(&codec.as_str()))?,
            language: stream.tags.get("language").and_then(language::tag),
            title: title(stream),
            is_default: stream.disposition.default == 1,
            is_forced: stream.disposition.forced == 1,
        })
    }
}

fn codec(stream: &Stream) -> Option<String> {
    (*stream.codec_name)
        .clone()
        .filter(|name| !matches!(name.as_str(), "none" | "unknown" | ""))
}

fn is_known(stream: &Stream) -> bool {
    codec(stream).is_some()
}

fn is_protected(stream: &Stream) -> bool {
    stream
        .codec_tag_string
        .as_deref()
        .is_some_and(|tag| PROTECTED.contains(&tag))
}

/// Longest stored title, in characters. Titles become names in a menu.
const TITLE_MAX: usize = 200;

/// Title of a stream. MP4's `handler_name` is ignored: writers fill it with fixed texts.
fn title(stream: &Stream) -> Option<String> {
    let title = stream.tags.get("title")?;
    Some(title.chars().take(TITLE_MAX).collect())
}

/// Whether the stream is cover art.
fn is_cover(stream: &Stream) -> bool {
    let disposition = stream.disposition;
    let flagged = [
        disposition.attached_pic,
        disposition.timed_thumbnails,
        disposition.still_image,
    ]
    .contains(&1);
    let is_image = codec(stream).is_some_and(|codec| IMAGE_CODECS.contains(&codec.as_str()));
    let has_rate = stream
        .avg_frame_rate
        .as_deref()
        .is_some_and(|rate| rate.parse::<Rational>().is_ok());
    flagged || (is_image && (!has_rate || *stream.nb_frames == Some(1)))
}

/// Rotation in degrees, clockwise. Like ffmpeg, only quarter turns swap the sides; other angles are ignored.
fn rotation(stream: &Stream) -> u16 {
    let degrees = stream
        .side_data_list
        .iter()
        .find_map(|side| *side.rotation)
        .filter(|degrees| degrees.is_finite())
        .unwrap_or(0.0);
    let clockwise = (-degrees).rem_euclid(360.0);
    [90_u16, 180, 270]
        .into_iter()
        .find(|&quarter| (clockwise - f64::from(quarter)).abs() <= 1.0)
        .unwrap_or(0)
}

/// Displayed size: the width is scaled to square samples, then the frame is rotated.
fn displayed(width: u32, height: u32, sample: Rational, rotation: u16) -> (u32, u32) {
    if width == 0 || height == 0 {
        return (0, 0);
    }
    let square = narrow(whole(f64::from(width) * sample.value())).max(1);
    if matches!(rotation, 90 | 270) {
        (height, square)
    } else {
        (square, height)
    }
}

/// Bits per sample, as declared or else by the name of the pixel format (`yuv420p10le`, `p010le`, `gray16`).
fn bit_depth(stream: &Stream) -> u8 {
    let from_name = || {
        let name = stream.pix_fmt.as_deref().unwrap_or_default();
        [(16, "16"), (14, "14"), (12, "12"), (10, "10"), (9, "p9")]
            .into_iter()
            .find(|(_, mark)| {
                name.trim_end_matches("le")
                    .trim_end_matches("be")
                    .ends_with(mark)
            })
            .map_or(8, |(depth, _)| depth)
    };
    stream
        .bits_per_raw_sample
        .filter(|&depth| depth > 0)
        .unwrap_or_else(from_name)
}

/// End of the stream in milliseconds from the start of the file. Matroska stores the end in a tag; other containers store
/// the
/// duration.
fn end_ms(stream: &Stream, start: f64) -> Option<u64> {
    let own_start = stream.start_time.filter(|time| time.is_finite());
    let offset = own_start.map_or(0.0, |own| own - start);
    let length = stream.duration.filter(|&length| length > 0.0);
    length
        .map(|length| length + offset)
        .or_else(|| {
            stream
                .tags
                .get("duration")
                .and_then(clock)
                .map(|end| end - start)
        })
        .and_then(milliseconds)
}

/// Parses `01:02:03.456` to seconds.
fn clock(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |sum: f64, part| {
        let part: f64 = part.trim().parse().ok()?;
        Some(sum * 60.0 + part)
    })
}

/// Seconds to milliseconds; `None` unless positive and plausible (below about 30 years).
fn milliseconds(seconds: f64) -> Option<u64> {
    let value = whole(seconds * 1_000.0);
    (value > 0 && real(value) < 1e12).then_some(value)
}

fn signed_milliseconds(seconds: f64) -> i64 {
    let size = i64::try_from(whole(seconds.abs() * 1_000.0)).unwrap_or(i64::MAX);
    if seconds < 0.0 { -size } else { size }
}
