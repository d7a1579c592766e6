//! What ffprobe says of a file (`-print_format json -show_format -show_streams`), taken as it comes: any member may be
//! missing, numbers may be text, and what makes no sense counts as missing.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Arguments of ffprobe before the input: all that [`Report`] reads.
pub const ARGUMENTS: [&str; 8] = [
    "-hide_banner",
    "-v",
    "error",
    "-print_format",
    "json",
    "-show_format",
    "-show_streams",
    "-show_error",
];

/// The whole document.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Streams in the order of their index.
    pub streams: Vec<Stream>,
    /// The container.
    pub format: Format,
}

impl Report {
    /// Reads what ffprobe printed.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

/// The container.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Format {
    /// Names of the demuxer, for example `mov,mp4,m4a,3gp,3g2,mj2`.
    #[serde(deserialize_with = "loose")]
    pub format_name: Option<String>,
    /// Seconds.
    #[serde(deserialize_with = "loose")]
    pub duration: Option<f64>,
    /// Seconds.
    #[serde(deserialize_with = "loose")]
    pub start_time: Option<f64>,
    /// Bits per second.
    #[serde(deserialize_with = "loose")]
    pub bit_rate: Option<u64>,
    /// Tags of the file.
    #[serde(deserialize_with = "or_default")]
    pub tags: Tags,
}

/// Tags, whose names come in any case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Tags(pub BTreeMap<String, String>);

impl Tags {
    /// The tag `name`, in whatever case it was written; `None` if empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }
}

/// One stream.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Stream {
    /// Index in the file, as `-map 0:N` takes it.
    #[serde(deserialize_with = "loose")]
    pub index: Option<u32>,
    /// `video`, `audio`, `subtitle`, `data`, `attachment`.
    #[serde(deserialize_with = "loose")]
    pub codec_type: Option<String>,
    /// Codec, as ffmpeg names it.
    #[serde(deserialize_with = "loose")]
    pub codec_name: Option<String>,
    /// Four characters of the container.
    #[serde(deserialize_with = "loose")]
    pub codec_tag_string: Option<String>,
    /// Profile as text.
    #[serde(deserialize_with = "loose")]
    pub profile: Option<String>,
    /// Level as the codec counts it; negative when unknown.
    #[serde(deserialize_with = "loose")]
    pub level: Option<i32>,
    /// Pixels.
    #[serde(deserialize_with = "loose")]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(deserialize_with = "loose")]
    pub height: Option<u32>,
    /// `16:15`; `0:1` when unknown.
    #[serde(deserialize_with = "loose")]
    pub sample_aspect_ratio: Option<String>,
    /// Pixel format, as ffmpeg names it.
    #[serde(deserialize_with = "loose")]
    pub pix_fmt: Option<String>,
    /// `tv` or `pc`.
    #[serde(deserialize_with = "loose")]
    pub color_range: Option<String>,
    /// Matrix.
    #[serde(deserialize_with = "loose")]
    pub color_space: Option<String>,
    /// Transfer function.
    #[serde(deserialize_with = "loose")]
    pub color_transfer: Option<String>,
    /// Primaries.
    #[serde(deserialize_with = "loose")]
    pub color_primaries: Option<String>,
    /// `progressive`, `tt`, `bb`, `tb`, `bt`, `unknown`.
    #[serde(deserialize_with = "loose")]
    pub field_order: Option<String>,
    /// Bits of a sample.
    #[serde(deserialize_with = "loose")]
    pub bits_per_raw_sample: Option<u8>,
    /// Lowest rate that all timestamps fit.
    #[serde(deserialize_with = "loose")]
    pub r_frame_rate: Option<String>,
    /// Frames by duration.
    #[serde(deserialize_with = "loose")]
    pub avg_frame_rate: Option<String>,
    /// Frames, where the container counts them.
    #[serde(deserialize_with = "loose")]
    pub nb_frames: Option<u64>,
    /// Seconds.
    #[serde(deserialize_with = "loose")]
    pub duration: Option<f64>,
    /// Seconds.
    #[serde(deserialize_with = "loose")]
    pub start_time: Option<f64>,
    /// Hertz.
    #[serde(deserialize_with = "loose")]
    pub sample_rate: Option<u32>,
    /// Channels of sound.
    #[serde(deserialize_with = "loose")]
    pub channels: Option<u32>,
    /// Their layout, for example `5.1(side)`.
    #[serde(deserialize_with = "loose")]
    pub channel_layout: Option<String>,
    /// What the stream is for.
    #[serde(deserialize_with = "or_default")]
    pub disposition: Disposition,
    /// Tags of the stream.
    #[serde(deserialize_with = "or_default")]
    pub tags: Tags,
    /// Data beside the stream.
    #[serde(deserialize_with = "or_default")]
    pub side_data_list: Vec<SideData>,
}

/// What a stream is for: flags of 0 and 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Disposition {
    /// To be played unless somebody chooses.
    pub default: u8,
    /// To be shown even if subtitles are off.
    pub forced: u8,
    /// Cover art.
    pub attached_pic: u8,
    /// Pictures for seeking.
    pub timed_thumbnails: u8,
    /// One picture.
    pub still_image: u8,
}

/// Data beside a stream.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SideData {
    /// For example `Display Matrix`.
    #[serde(deserialize_with = "loose")]
    pub side_data_type: Option<String>,
    /// Degrees, counterclockwise.
    #[serde(deserialize_with = "loose")]
    pub rotation: Option<f64>,
}

/// A number or a text, written as either; `None` if it is not to be read (`N/A`).
fn loose<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

/// A structure, or its default if it has another shape.
fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}
