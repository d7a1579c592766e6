//! What ffprobe says of a file (`-print_format json -show_format -show_streams`), taken as it comes: any member may be
//! missing, numbers may be text, and what makes no sense counts as missing.

use std::collections::BTreeMap;
use std::ops::Deref;
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

/// A number or a text, written as either; `None` if it cannot be read (`N/A`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loose<T>(pub Option<T>);

impl<T> Default for Loose<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for Loose<T> {
    type Target = Option<T>;
    fn deref(&self) -> &Option<T> {
        &self.0
    }
}

impl<'de, T: FromStr> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Value::deserialize(deserializer)? {
            Value::String(text) => text.trim().parse().ok(),
            Value::Number(number) => number.to_string().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }))
    }
}

/// The container.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Format {
    /// Names of the demuxer, for example `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format_name: Loose<String>,
    /// Seconds.
    pub duration: Loose<f64>,
    /// Seconds.
    pub start_time: Loose<f64>,
    /// Bits per second.
    pub bit_rate: Loose<u64>,
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
    pub index: Loose<u32>,
    /// `video`, `audio`, `subtitle`, `data`, `attachment`.
    pub codec_type: Loose<String>,
    /// Codec, as ffmpeg names it.
    pub codec_name: Loose<String>,
    /// Four characters of the container.
    pub codec_tag_string: Loose<String>,
    /// Profile as text.
    pub profile: Loose<String>,
    /// Level as the codec counts it; negative when unknown.
    pub level: Loose<i32>,
    /// Pixels.
    pub width: Loose<u32>,
    /// Pixels.
    pub height: Loose<u32>,
    /// `16:15`; `0:1` when unknown.
    pub sample_aspect_ratio: Loose<String>,
    /// Pixel format, as ffmpeg names it.
    pub pix_fmt: Loose<String>,
    /// `tv` or `pc`.
    pub color_range: Loose<String>,
    /// Matrix.
    pub color_space: Loose<String>,
    /// Transfer function.
    pub color_transfer: Loose<String>,
    /// Primaries.
    pub color_primaries: Loose<String>,
    /// `progressive`, `tt`, `bb`, `tb`, `bt`, `unknown`.
    pub field_order: Loose<String>,
    /// Bits of a sample.
    pub bits_per_raw_sample: Loose<u8>,
    /// Lowest rate that all timestamps fit.
    pub r_frame_rate: Loose<String>,
    /// Frames by duration.
    pub avg_frame_rate: Loose<String>,
    /// Frames, where the container counts them.
    pub nb_frames: Loose<u64>,
    /// Seconds.
    pub duration: Loose<f64>,
    /// Seconds.
    pub start_time: Loose<f64>,
    /// Hertz.
    pub sample_rate: Loose<u32>,
    /// Channels of sound.
    pub channels: Loose<u32>,
    /// Their layout, for example `5.1(side)`.
    pub channel_layout: Loose<String>,
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
    pub side_data_type: Loose<String>,
    /// Degrees, counterclockwise.
    pub rotation: Loose<f64>,
}

/// A structure, or its default if it has another shape.
fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}
