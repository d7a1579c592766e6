//! ffprobe's report of a file (`-print_format json -show_format -show_streams`), parsed leniently: any member may be
//! missing,
//! numbers may be strings, and a malformed value counts as missing.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Arguments of ffprobe before the input: they print what [`Report`] reads.
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
    /// Parses ffprobe's output.
    ///
    /// # Errors
    ///
    /// If the output is not a JSON object, or `streams` or `format` have the wrong type.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }
}

/// A number or a string, encoded as either; `None` if it cannot be parsed (`N/A`).
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
    /// Names of the container format, for example `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format_name: Loose<String>,
    /// Duration in seconds.
    pub duration: Loose<f64>,
    /// Time of the first sample in seconds.
    pub start_time: Loose<f64>,
    /// Bit rate in bits per second.
    pub bit_rate: Loose<u64>,
    /// Tags of the file.
    #[serde(deserialize_with = "or_default")]
    pub tags: Tags,
}

/// Tags. Their names may have any case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Tags(pub BTreeMap<String, String>);

impl Tags {
    /// The tag `name`, ignoring case; `None` if it is empty.
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
    /// Index in the file, for `-map 0:N`.
    pub index: Loose<u32>,
    /// `video`, `audio`, `subtitle`, `data`, `attachment`.
    pub codec_type: Loose<String>,
    /// Codec, by ffmpeg's name.
    pub codec_name: Loose<String>,
    /// The container's four-character code.
    pub codec_tag_string: Loose<String>,
    /// Name of the profile.
    pub profile: Loose<String>,
    /// Level in the codec's own numbering; negative if unknown.
    pub level: Loose<i32>,
    /// Width as stored, in pixels.
    pub width: Loose<u32>,
    /// Height as stored, in pixels.
    pub height: Loose<u32>,
    /// For example `16:15`; `0:1` if unknown.
    pub sample_aspect_ratio: Loose<String>,
    /// Pixel format, by ffmpeg's name.
    pub pix_fmt: Loose<String>,
    /// Range of the samples: `tv` (limited) or `pc` (full).
    pub color_range: Loose<String>,
    /// Matrix coefficients.
    pub color_space: Loose<String>,
    /// Transfer function.
    pub color_transfer: Loose<String>,
    /// Colour primaries.
    pub color_primaries: Loose<String>,
    /// `progressive`, `tt`, `bb`, `tb`, `bt`, `unknown`.
    pub field_order: Loose<String>,
    /// Bits per sample.
    pub bits_per_raw_sample: Loose<u8>,
    /// Lowest frame rate that can represent all timestamps.
    pub r_frame_rate: Loose<String>,
    /// Average frame rate.
    pub avg_frame_rate: Loose<String>,
    /// Number of frames, if the container declares it.
    pub nb_frames: Loose<u64>,
    /// Duration in seconds.
    pub duration: Loose<f64>,
    /// Time of the first sample in seconds.
    pub start_time: Loose<f64>,
    /// Sample rate in hertz.
    pub sample_rate: Loose<u32>,
    /// Number of audio channels.
    pub channels: Loose<u32>,
    /// Channel layout, for example `5.1(side)`.
    pub channel_layout: Loose<String>,
    /// Purpose of the stream.
    #[serde(deserialize_with = "or_default")]
    pub disposition: Disposition,
    /// Tags of the stream.
    #[serde(deserialize_with = "or_default")]
    pub tags: Tags,
    /// Side data of the stream.
    #[serde(deserialize_with = "or_default")]
    pub side_data_list: Vec<SideData>,
}

/// Purpose of a stream: flags with values 0 and 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Disposition {
    /// Played by default.
    pub default: u8,
    /// Shown even if subtitles are off.
    pub forced: u8,
    /// Cover art.
    pub attached_pic: u8,
    /// Thumbnails for seeking.
    pub timed_thumbnails: u8,
    /// A single still image.
    pub still_image: u8,
}

/// Side data of a stream.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SideData {
    /// For example `Display Matrix`.
    pub side_data_type: Loose<String>,
    /// Rotation in degrees, counterclockwise.
    pub rotation: Loose<f64>,
}

/// Deserializes a value, or its default if the JSON has a different shape.
fn or_default<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}
