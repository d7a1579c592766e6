//! [`Rendition`]: one rung or one audio track, while its segments are encoded, verified and stored.

use std::collections::BTreeMap;

use shared::video::ladder::Rung;
use shared::video::plan::Plan;
use shared::video::playlist::{Rate, Segment, duration_us};
use shared::video::track::Track;

use super::segment::{Content, Init};

/// A growing rendition; see the module.
#[derive(Debug)]
pub(super) struct Rendition {
    /// Its track.
    pub(super) track: Track,
    /// Its name in progress events, which is also its folder below `hls/`.
    pub(super) name: String,
    /// Its initialization segment; `None` until the encoder has written it.
    pub(super) init: Option<Init>,
    /// Size of the initialization segment; `None` until it is stored.
    pub(super) init_bytes: Option<u64>,
    /// Number of verified segments.
    pub(super) verified: u32,
    /// First tick of the first segment.
    pub(super) start: Option<u64>,
    /// Tick at which the last verified segment ends.
    pub(super) end: Option<u64>,
    /// Samples in the verified segments; for a rung, frames.
    pub(super) samples: u64,
    /// Stored segments, from the first to the last before a gap: those that a playlist may name.
    pub(super) stored: Vec<Segment>,
    /// How many of them the latest stored playlist names.
    pub(super) listed: usize,
    /// Stored segments after a gap.
    ahead: BTreeMap<u32, Segment>,
    /// Its final length, if known.
    expected_ms: Option<u64>,
}

impl Rendition {
    fn new(track: Track, name: String, expected_ms: Option<u64>) -> Self {
        Self {
            track,
            name,
            init: None,
            init_bytes: None,
            verified: 0,
            start: None,
            end: None,
            samples: 0,
            stored: Vec::new(),
            listed: 0,
            ahead: BTreeMap::new(),
            expected_ms,
        }
    }

    /// All renditions of a plan.
    pub(super) fn all(plan: &Plan) -> Vec<Self> {
        let rungs = plan.video.iter().flat_map(|video| {
            let rung =
                |rung: &Rung| Self::new(Track::Video(rung.number), rung.name.clone(), video.end_ms);
            video.rungs.iter().map(rung)
        });
        let audio = plan.audio.iter().map(|audio| {
            let name = format!("audio-{}", audio.number);
            Self::new(
                Track::Audio(audio.number),
                name,
                audio.end_ms.or(plan.duration_ms),
            )
        });
        rungs.chain(audio).collect()
    }

    /// Name of one of its files, below the prefix of the attempt.
    pub(super) fn file(&self, name: &str) -> String {
        format!("hls/{}/{name}", self.name)
    }

    /// URI of its playlist in the master.
    pub(super) fn playlist(&self) -> String {
        format!("{}/index.m3u8", self.name)
    }

    /// Adds a verified segment. Returns its number, and its entry for the playlist.
    pub(super) fn verified(&mut self, content: &Content, timescale: u32) -> (u32, Segment) {
        let sequence = self.verified;
        self.verified += 1;
        self.start.get_or_insert(content.start);
        self.end = Some(content.start.saturating_add(content.ticks));
        self.samples = self.samples.saturating_add(content.samples);
        let segment = Segment {
            file: format!("{sequence:05}.m4s"),
            ticks: content.ticks,
            timescale,
            size_bytes: content.size_bytes,
        };
        (sequence, segment)
    }

    /// Adds a stored segment. Segments may be stored in any order.
    pub(super) fn is_stored(&mut self, sequence: u32, segment: Segment) {
        self.ahead.insert(sequence, segment);
        while let Some(next) = u32::try_from(self.stored.len())
            .ok()
            .and_then(|next| self.ahead.remove(&next))
        {
            self.stored.push(next);
        }
    }

    /// Length of the stored segments.
    pub(super) fn stored_ms(&self) -> u64 {
        duration_us(&self.stored) / 1_000
    }

    /// Size of the stored segments.
    pub(super) fn stored_bytes(&self) -> u64 {
        let segments = self.stored.iter().map(|segment| segment.size_bytes);
        segments.fold(self.init_bytes.unwrap_or(0), u64::saturating_add)
    }

    /// Stored share of its length, 0–1; `None` if the length is not known.
    pub(super) fn ratio(&self) -> Option<f64> {
        let expected_ms = self.expected_ms.filter(|expected| *expected > 0)?;
        let stored = std::time::Duration::from_millis(self.stored_ms());
        Some(
            (stored.as_secs_f64() / std::time::Duration::from_millis(expected_ms).as_secs_f64())
                .min(1.0),
        )
    }

    /// Whether playback can start.
    pub(super) fn is_playable(&self) -> bool {
        self.init_bytes.is_some() && !self.stored.is_empty()
    }

    /// Its measured bit rate.
    pub(super) fn rate(&self, target_duration_s: u32) -> Rate {
        Rate::measure(&self.stored, target_duration_s)
    }
}
