//! Playlists of what is stored. The playlists of ffmpeg are never published.

use futures_util::future::try_join_all;
use shared::video::plan::{Plan, SubtitleRendition};
use shared::video::playlist::{
    Audio, MasterPlaylist, MediaPlaylist, PlaylistState, Rate, Segment, Subtitles, Variant,
};
use shared::video::track::Track;
use shared::worker::MadeOutput;

use super::rendition::Rendition;
use super::work::Work;
use crate::storage::Lifetime;
use crate::work_error::WorkError;

/// Media type of playlists.
const CONTENT_TYPE: &str = "application/vnd.apple.mpegurl";

/// The master playlist, below the prefix of the attempt.
pub(super) const MASTER: &str = "hls/master.m3u8";

/// A playlist to store.
pub(super) struct Playlist {
    /// Its file, below the prefix of the attempt.
    pub(super) file: String,
    /// Its content.
    pub(super) text: String,
}

/// Stored subtitles.
pub(super) struct Text {
    /// Language and kind.
    pub(super) rendition: SubtitleRendition,
    /// The only segment: the whole file.
    pub(super) segment: Segment,
}

impl Text {
    /// Their folder, below `hls/`.
    pub(super) fn folder(&self) -> String {
        format!("subs-{}", self.rendition.number)
    }
}

/// Stores playlists in parallel, and the master, which names them, after them. Returns the size of the last one.
pub(super) async fn store(
    work: &Work<'_>,
    playlists: &[Playlist],
    lifetime: Lifetime,
) -> Result<u64, WorkError> {
    let (masters, media): (Vec<_>, Vec<_>) = playlists.iter().partition(|one| one.file == MASTER);
    let put = |one: &Playlist| {
        let (file, bytes) = (one.file.clone(), one.text.clone().into_bytes());
        async move {
            let storage = &work.attempt.storage;
            storage
                .put_bytes(&file, bytes, CONTENT_TYPE, lifetime)
                .await
        }
    };
    let mut size = 0;
    for group in [media, masters] {
        let sizes = try_join_all(group.into_iter().map(put)).await?;
        size = sizes.last().copied().unwrap_or(size);
    }
    Ok(size)
}

/// The media playlists of renditions.
pub(super) fn media<'r>(
    plan: &Plan,
    renditions: impl IntoIterator<Item = &'r Rendition>,
    state: PlaylistState,
) -> Vec<Playlist> {
    let playlist = |rendition: &Rendition| Playlist {
        file: format!("hls/{}", rendition.playlist()),
        text: MediaPlaylist {
            init: Some("init.mp4"),
            segments: &rendition.stored,
            target_duration_s: plan.target_duration_s,
            state,
        }
        .text(),
    };
    renditions.into_iter().map(playlist).collect()
}

/// The media playlists of subtitles.
pub(super) fn text_media(plan: &Plan, texts: &[Text]) -> Vec<Playlist> {
    let playlist = |text: &Text| Playlist {
        file: format!("hls/{}/index.m3u8", text.folder()),
        text: MediaPlaylist {
            init: None,
            segments: std::slice::from_ref(&text.segment),
            target_duration_s: plan.target_duration_s,
            state: PlaylistState::Complete,
        }
        .text(),
    };
    texts.iter().map(playlist).collect()
}

/// The master playlist. While the renditions grow, their rates are at least the limits of the encoder; afterwards they are
/// the measured ones.
pub(super) fn master(
    plan: &Plan,
    renditions: &[Rendition],
    texts: &[Text],
    state: PlaylistState,
) -> Playlist {
    let of = |track: Track| renditions.iter().find(|rendition| rendition.track == track);
    let rate = |rendition: &Rendition, bound: u32| {
        let measured = rendition.rate(plan.target_duration_s);
        match state {
            PlaylistState::Growing => Rate {
                peak_bps: measured.peak_bps.max(u64::from(bound)),
                ..measured
            },
            PlaylistState::Complete => measured,
        }
    };
    let variants = plan.video.iter().flat_map(|video| {
        video.rungs.iter().filter_map(|rung| {
            let rendition = of(Track::Video(rung.number))?;
            Some(Variant {
                uri: rendition.playlist(),
                rate: rate(rendition, rung.maxrate_bps),
                codecs: rendition.init.as_ref()?.codecs.clone()?,
                width: rung.width,
                height: rung.height,
                fps: video.fps,
            })
        })
    });
    let audio = plan.audio.iter().filter_map(|audio| {
        let rendition = of(Track::Audio(audio.number))?;
        Some(Audio {
            uri: rendition.playlist(),
            rate: rate(rendition, plan.audio_bitrate_bps),
            rendition: audio.clone(),
        })
    });
    let subtitles = texts.iter().map(|text| Subtitles {
        uri: format!("{}/index.m3u8", text.folder()),
        rendition: text.rendition.clone(),
    });
    Playlist {
        file: MASTER.to_owned(),
        text: MasterPlaylist {
            variants: variants.collect(),
            audio: audio.collect(),
            subtitles: subtitles.collect(),
        }
        .text(),
    }
}

/// The output `hls`.
pub(super) fn output(plan: &Plan, size_bytes: u64) -> MadeOutput {
    let largest = plan.video.as_ref().and_then(|video| video.rungs.last());
    MadeOutput {
        name: "hls".to_owned(),
        file: MASTER.to_owned(),
        content_type: CONTENT_TYPE.to_owned(),
        width: largest.map(|rung| rung.width),
        height: largest.map(|rung| rung.height),
        size_bytes,
    }
}
