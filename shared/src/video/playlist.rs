//! HLS playlists (RFC 8216, version 7: fragmented MP4), built from measured segments.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::codecs::AAC;
use super::number::{narrow, nearest};
use super::plan::{AudioRendition, SubtitleRendition};
use super::rational::Rational;

/// A measured segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// URI, relative to the playlist.
    pub file: String,
    /// Length in ticks: the exact sum of its samples.
    pub ticks: u64,
    /// Ticks per second.
    pub timescale: u32,
    /// Size in bytes.
    pub size_bytes: u64,
}

impl Segment {
    /// Length in microseconds, rounded.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        let timescale = u64::from(self.timescale.max(1));
        let seconds = self.ticks / timescale;
        let rest = self.ticks % timescale;
        seconds
            .saturating_mul(1_000_000)
            .saturating_add(nearest(rest * 1_000_000, timescale))
    }
}

/// Total length of the segments in microseconds.
#[must_use]
pub fn duration_us(segments: &[Segment]) -> u64 {
    segments.iter().fold(0, |sum: u64, segment| {
        sum.saturating_add(segment.duration_us())
    })
}

/// Whether more segments follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaylistState {
    /// The encode is running: segments are only appended (`EVENT`).
    Growing,
    /// All segments are listed (`VOD`, `EXT-X-ENDLIST`).
    Complete,
}

/// A media playlist: the segments of one rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaPlaylist<'a> {
    /// URI of the initialization segment; `None` for `WebVTT`.
    pub init: Option<&'a str>,
    /// Segments from the first one on, without gaps.
    pub segments: &'a [Segment],
    /// [`Plan::target_duration_s`](super::Plan::target_duration_s), the same in every version of the playlist. (A longer
    /// segment
    /// raises it, so that the playlist is valid at least from there on.)
    pub target_duration_s: u32,
    /// Whether more segments follow.
    pub state: PlaylistState,
}

impl MediaPlaylist<'_> {
    /// The text of the playlist.
    #[must_use]
    pub fn text(&self) -> String {
        let longest = self.segments.iter().map(Segment::duration_us).max();
        let longest_s = narrow(longest.unwrap_or(0).div_ceil(1_000_000));
        let mut lines = Lines::new();
        lines.push(&format!(
            "#EXT-X-TARGETDURATION:{}",
            self.target_duration_s.max(longest_s).max(1)
        ));
        lines.push("#EXT-X-MEDIA-SEQUENCE:0");
        lines.push(match self.state {
            PlaylistState::Growing => "#EXT-X-PLAYLIST-TYPE:EVENT",
            PlaylistState::Complete => "#EXT-X-PLAYLIST-TYPE:VOD",
        });
        if let Some(init) = self.init {
            lines.push("#EXT-X-INDEPENDENT-SEGMENTS");
            lines.push(&format!("#EXT-X-MAP:URI={}", quoted(init)));
        }
        for segment in self.segments {
            let us = segment.duration_us();
            lines.push(&format!(
                "#EXTINF:{}.{:06},",
                us / 1_000_000,
                us % 1_000_000
            ));
            lines.push(&uri(&segment.file));
        }
        match self.state {
            PlaylistState::Growing => {}
            PlaylistState::Complete => lines.push("#EXT-X-ENDLIST"),
        }
        lines.0
    }
}

/// Measured bit rate of a rendition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Peak: the highest rate of any run of consecutive segments that lasts 0.5 to 1.5 target durations (RFC 8216 §4.1).
    pub peak_bps: u64,
    /// Average over all segments.
    pub average_bps: u64,
}

impl Rate {
    /// Measures `segments`.
    #[must_use]
    pub fn measure(segments: &[Segment], target_duration_s: u32) -> Self {
        let bps = |bytes: u64, us: u64| {
            let bits = u128::from(bytes) * 8 * 1_000_000;
            let value = bits.checked_div(u128::from(us)).unwrap_or(0);
            u64::try_from(value).unwrap_or(u64::MAX)
        };
        let target_us = u64::from(target_duration_s) * 1_000_000;
        let stretch = (target_us / 2)..=(target_us + target_us / 2);
        let sums = |from: usize| {
            segments
                .iter()
                .skip(from)
                .scan((0_u64, 0_u64), |(bytes, us), segment| {
                    *bytes = bytes.saturating_add(segment.size_bytes);
                    *us = us.saturating_add(segment.duration_us());
                    Some((*bytes, *us))
                })
        };
        let peak = (0..segments.len())
            .filter_map(|from| {
                sums(from)
                    .take_while(|(_, us)| us <= stretch.end())
                    .filter(|(_, us)| us >= stretch.start())
                    .map(|(bytes, us)| bps(bytes, us))
                    .max()
            })
            .max();
        let average_bps = sums(0).last().map_or(0, |(bytes, us)| bps(bytes, us));
        Self {
            peak_bps: peak.unwrap_or(0).max(average_bps),
            average_bps,
        }
    }

    const fn max(self, other: Self) -> Self {
        const fn larger(a: u64, b: u64) -> u64 {
            if a > b { a } else { b }
        }
        Self {
            peak_bps: larger(self.peak_bps, other.peak_bps),
            average_bps: larger(self.average_bps, other.average_bps),
        }
    }
}

/// One rung in the multivariant playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// URI of its media playlist.
    pub uri: String,
    /// Measured rate of the video without audio.
    pub rate: Rate,
    /// RFC 6381 codec string of the video.
    pub codecs: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: Rational,
}

/// One audio rendition in the multivariant playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audio {
    /// URI of its media playlist.
    pub uri: String,
    /// Measured rate.
    pub rate: Rate,
    /// The planned rendition.
    pub rendition: AudioRendition,
}

/// One subtitle rendition in the multivariant playlist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtitles {
    /// URI of its media playlist.
    pub uri: String,
    /// The planned rendition.
    pub rendition: SubtitleRendition,
}

/// The multivariant playlist. Variants keep the given order: players without a bandwidth estimate start with the first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MasterPlaylist {
    /// Rungs; empty for audio only.
    pub variants: Vec<Variant>,
    /// Audio renditions.
    pub audio: Vec<Audio>,
    /// Subtitle renditions.
    pub subtitles: Vec<Subtitles>,
}

const AUDIO_GROUP: &str = "audio";
const SUBTITLES_GROUP: &str = "subtitles";

impl MasterPlaylist {
    /// The text of the playlist.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = Lines::new();
        lines.push("#EXT-X-INDEPENDENT-SEGMENTS");
        // A single audio rendition without video needs no group.
        let has_audio_group =
            !self.audio.is_empty() && (!self.variants.is_empty() || self.audio.len() > 1);
        if has_audio_group {
            for (at, audio) in self.audio.iter().enumerate() {
                let same = |other: &Audio| other.rendition.language == audio.rendition.language;
                let before = self.audio.iter().take(at);
                let is_auto = audio.rendition.is_default
                    || !before.chain(default_audio(&self.audio)).any(same);
                lines.push(&audio_media(audio, is_auto));
            }
        }
        for (at, subtitles) in self.subtitles.iter().enumerate() {
            let key = |one: &Subtitles| (one.rendition.language.clone(), one.rendition.is_forced);
            let mut before = self.subtitles.iter().take(at);
            let is_auto =
                subtitles.rendition.is_default || !before.any(|one| key(one) == key(subtitles));
            lines.push(&subtitles_media(subtitles, is_auto));
        }
        let loudest = self
            .audio
            .iter()
            .fold(Rate::default(), |most, audio| most.max(audio.rate));
        let mut groups = String::new();
        if has_audio_group {
            let _ = write!(groups, ",AUDIO=\"{AUDIO_GROUP}\"");
        }
        if !self.subtitles.is_empty() {
            let _ = write!(groups, ",SUBTITLES=\"{SUBTITLES_GROUP}\"");
        }
        for variant in &self.variants {
            lines.push(&self.stream_inf(variant, loudest, &groups));
            lines.push(&uri(&variant.uri));
        }
        if self.variants.is_empty()
            && let Some(first) = default_audio(&self.audio).or_else(|| self.audio.first())
        {
            let (peak, average) = (loudest.peak_bps, loudest.average_bps);
            lines.push(&format!(
                "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{AAC}\"{groups}"
            ));
            lines.push(&uri(&first.uri));
        }
        lines.0
    }

    fn stream_inf(&self, variant: &Variant, loudest: Rate, groups: &str) -> String {
        let codecs = if self.audio.is_empty() {
            variant.codecs.clone()
        } else {
            format!("{},{AAC}", variant.codecs)
        };
        let milli = nearest(
            u64::from(variant.fps.num()) * 1_000,
            u64::from(variant.fps.den()),
        );
        format!(
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS={},RESOLUTION={}x{},FRAME-RATE={}.{:03}{groups}",
            variant.rate.peak_bps.saturating_add(loudest.peak_bps),
            variant.rate.average_bps.saturating_add(loudest.average_bps),
            quoted(&codecs),
            variant.width,
            variant.height,
            milli / 1_000,
            milli % 1_000,
        )
    }
}

/// The rendition that plays by default.
fn default_audio(audio: &[Audio]) -> Option<&Audio> {
    audio.iter().find(|audio| audio.rendition.is_default)
}

/// Invariant: players select one rendition per language automatically (RFC 8216 §4.3.4.1.1); the others are selected
/// manually.
fn audio_media(audio: &Audio, is_auto: bool) -> String {
    let rendition = &audio.rendition;
    format!(
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{AUDIO_GROUP}\",NAME={}{},DEFAULT={},AUTOSELECT={},CHANNELS=\"2\",URI={}",
        quoted(&rendition.name),
        language(rendition.language.as_deref()),
        yes(rendition.is_default),
        yes(is_auto),
        quoted(&uri(&audio.uri)),
    )
}

fn subtitles_media(subtitles: &Subtitles, is_auto: bool) -> String {
    let rendition = &subtitles.rendition;
    format!(
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"{SUBTITLES_GROUP}\",NAME={}{},DEFAULT={},AUTOSELECT={},FORCED={},URI={}",
        quoted(&rendition.name),
        language(rendition.language.as_deref()),
        yes(rendition.is_default),
        yes(is_auto),
        yes(rendition.is_forced),
        quoted(&uri(&subtitles.uri)),
    )
}

fn language(tag: Option<&str>) -> String {
    tag.map_or_else(String::new, |tag| format!(",LANGUAGE={}", quoted(tag)))
}

const fn yes(is: bool) -> &'static str {
    if is { "YES" } else { "NO" }
}

/// A quoted string of HLS. It cannot contain quotation marks or line ends, and there are no escapes.
fn quoted(text: &str) -> String {
    let safe: String = text
        .chars()
        .map(|c| match c {
            '"' => '\'',
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => ' ',
            c => c,
        })
        .collect();
    format!("\"{safe}\"")
}

/// A URI on its own line: without spaces, line ends and `#`, which would start a comment.
fn uri(text: &str) -> String {
    text.replace('#', "%23")
        .chars()
        .filter(|c| !c.is_control())
        .collect::<String>()
        .replace(' ', "%20")
}

struct Lines(String);

impl Lines {
    fn new() -> Self {
        Self("#EXTM3U\n#EXT-X-VERSION:7\n".to_owned())
    }

    fn push(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }
}
