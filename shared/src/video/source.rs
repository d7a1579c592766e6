//! [`Source`]: what a file is, in our words. The stored probe report.

use serde::{Deserialize, Serialize};

use super::language;
use super::number::{narrow, real, whole};
use super::probe::{Report, Stream};
use super::rational::Rational;
use crate::words::words;

words! {
    /// Dynamic range of a picture.
    DynamicRange {
        /// Standard.
        Sdr = "sdr",
        /// High, by SMPTE ST 2084 (HDR10, HDR10+, Dolby Vision with such a base).
        Pq = "pq",
        /// High, by ARIB STD-B67.
        Hlg = "hlg",
    }
}

/// A probed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Source {
    /// Names of the container format.
    pub formats: Vec<String>,
    /// Major brand of an MP4; `qt` of a `QuickTime` film.
    pub brand: Option<String>,
    /// How long it plays; `None` where the file does not say (a fragmented file, a broken one).
    pub duration_ms: Option<u64>,
    /// Where its clock starts.
    pub start_ms: i64,
    /// Bits per second of the whole file.
    pub bitrate_bps: Option<u64>,
    /// The video that is used.
    pub video: Option<VideoStream>,
    /// All sound.
    pub audio: Vec<AudioStream>,
    /// All subtitles that are text.
    pub subtitles: Vec<SubtitleStream>,
    /// Streams of any kind, cover art and data included.
    pub streams_count: u32,
}

/// The video that is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of a file that do not depend on each other"
)]
pub struct VideoStream {
    /// Index in the file.
    pub index: u32,
    /// Codec; `None` if nobody knows it.
    pub codec: Option<String>,
    /// Profile of the codec.
    pub profile: Option<String>,
    /// Level of the codec, as it counts it (41 is 4.1 of H.264).
    pub level: Option<u32>,
    /// Whether it is encrypted.
    pub is_protected: bool,
    /// Pixels of a row as stored.
    pub coded_width: u32,
    /// Rows as stored.
    pub coded_height: u32,
    /// Width of a sample by its height.
    pub sample_aspect_ratio: Rational,
    /// Degrees clockwise by which it is turned to be shown: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Width as shown, in square pixels.
    pub width: u32,
    /// Height as shown, in square pixels.
    pub height: u32,
    /// Frames per second on average; `None` if unknown.
    pub frame_rate: Option<Rational>,
    /// Whether frames come at uneven times.
    pub is_vfr: bool,
    /// Whether frames are woven from two fields.
    pub is_interlaced: bool,
    /// Pixel format, as ffmpeg names it.
    pub pixel_format: Option<String>,
    /// Bits of a sample.
    pub bit_depth: u8,
    /// Dynamic range.
    pub dynamic_range: DynamicRange,
    /// Whether samples use the full range (`pc`).
    pub is_full_range: bool,
    /// Frames, where the container counts them.
    pub frames: Option<u64>,
    /// When its last frame is over, counted from the start of the file; `None` if only the container knows.
    pub end_ms: Option<u64>,
}

/// One stream of sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AudioStream {
    /// Index in the file.
    pub index: u32,
    /// Codec; `None` if nobody knows it.
    pub codec: Option<String>,
    /// Profile of the codec.
    pub profile: Option<String>,
    /// Whether it is encrypted.
    pub is_protected: bool,
    /// Channels.
    pub channels: u32,
    /// Their layout, if known.
    pub layout: Option<String>,
    /// Hertz.
    pub sample_rate: u32,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// Title given by its author.
    pub title: Option<String>,
    /// Whether it is played unless somebody chooses.
    pub is_default: bool,
    /// When it is over, counted from the start of the file.
    pub end_ms: Option<u64>,
}

/// One stream of subtitles that are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SubtitleStream {
    /// Index in the file.
    pub index: u32,
    /// Codec.
    pub codec: String,
    /// RFC 5646 tag.
    pub language: Option<String>,
    /// Title given by its author.
    pub title: Option<String>,
    /// Whether it is shown unless somebody chooses.
    pub is_default: bool,
    /// Whether it is shown even if subtitles are off.
    pub is_forced: bool,
}

/// Subtitle codecs that are text and become `WebVTT`. Others are pictures.
const TEXT_SUBTITLES: [&str; 6] = ["mov_text", "subrip", "ass", "ssa", "webvtt", "text"];

/// Codecs of pictures: alone or without a frame rate they are cover art, whatever the disposition says.
const PICTURES: [&str; 8] = [
    "mjpeg", "png", "bmp", "gif", "tiff", "webp", "jpegxl", "jpegls",
];

/// Tags of MP4 sample entries and the like whose content is encrypted.
const PROTECTED: [&str; 4] = ["encv", "enca", "drmi", "drms"];

impl Source {
    /// Whether it is an MP4 as browsers know it. Not all of them take the media type of `QuickTime`.
    #[must_use]
    pub fn is_mp4(&self) -> bool {
        self.formats.iter().any(|format| format == "mp4") && self.brand.as_deref() != Some("qt")
    }

    /// Takes what is needed from ffprobe's report.
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
        let films = || of_type("video").filter(|stream| !is_cover(stream));
        let video = films()
            .find(|stream| is_known(stream) && *stream.width > Some(0) && *stream.height > Some(0))
            .or_else(|| films().next())
            .and_then(|stream| VideoStream::from_stream(stream, start));
        let mut audio: Vec<_> = of_type("audio")
            .filter_map(|stream| AudioStream::from_stream(stream, start))
            .collect();
        // Phones add tracks of codecs that ffmpeg does not know (spatial sound) beside one that it does.
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

/// How long picture and sound play. Matroska's own duration is the time of its end, whatever its clock starts at, and whatever
/// ends then (a subtitle, say).
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
    let told = report.format.duration.map(|duration| duration - before);
    told.and_then(milliseconds).or(longest)
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

    /// The shorter side as shown.
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

/// Longest title that is kept, in characters: it becomes a name in a menu.
const TITLE_MAX: usize = 200;

/// MP4 writes a title of its own into `handler_name`, which says nothing.
fn title(stream: &Stream) -> Option<String> {
    let title = stream.tags.get("title")?;
    Some(title.chars().take(TITLE_MAX).collect())
}

/// Whether the stream is a picture beside the film.
fn is_cover(stream: &Stream) -> bool {
    let disposition = stream.disposition;
    let flagged = [
        disposition.attached_pic,
        disposition.timed_thumbnails,
        disposition.still_image,
    ]
    .contains(&1);
    let is_picture = codec(stream).is_some_and(|codec| PICTURES.contains(&codec.as_str()));
    let has_rate = stream
        .avg_frame_rate
        .as_deref()
        .is_some_and(|rate| rate.parse::<Rational>().is_ok());
    flagged || (is_picture && (!has_rate || *stream.nb_frames == Some(1)))
}

/// Degrees clockwise, as ffmpeg turns it: what is no quarter turn keeps its sides.
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

/// Size as shown: the samples made square by width, then turned.
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

/// Bits of a sample: what the stream says, else what its pixel format is called (`yuv420p10le`, `p010le`, `gray16`).
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

/// When the stream is over, from the start of the file. Matroska keeps that in a tag, others their length.
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

/// Seconds of `01:02:03.456`.
fn clock(text: &str) -> Option<f64> {
    text.split(':').try_fold(0.0, |sum: f64, part| {
        let part: f64 = part.trim().parse().ok()?;
        Some(sum * 60.0 + part)
    })
}

/// Whole milliseconds of seconds; `None` unless positive and sensible (below about 30 years).
fn milliseconds(seconds: f64) -> Option<u64> {
    let value = whole(seconds * 1_000.0);
    (value > 0 && real(value) < 1e12).then_some(value)
}

fn signed_milliseconds(seconds: f64) -> i64 {
    let size = i64::try_from(whole(seconds.abs() * 1_000.0)).unwrap_or(i64::MAX);
    if seconds < 0.0 { -size } else { size }
}
