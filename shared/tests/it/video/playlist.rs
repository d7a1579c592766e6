//! Playlists, compared with RFC 8216.

use proptest::prelude::*;
use shared::video::playlist::{
    Audio, MasterPlaylist, MediaPlaylist, PlaylistState, Rate, Segment, Subtitles, Variant,
    duration_us,
};
use shared::video::track::Track;
use shared::video::{Preset, plan};

use super::plan::rich;

fn segment(file: &str, ticks: u64, timescale: u32, size_bytes: u64) -> Segment {
    Segment {
        file: file.to_owned(),
        ticks,
        timescale,
        size_bytes,
    }
}

fn measured() -> Vec<Segment> {
    vec![
        segment("v0_00000.m4s", 120_120, 30_000, 1_000_000),
        segment("v0_00001.m4s", 120_120, 30_000, 2_000_000),
        segment("v0_00002.m4s", 1_001, 30_000, 90_000),
    ]
}

#[test]
fn media() {
    let segments = measured();
    let growing = MediaPlaylist {
        init: Some("v0_init.mp4"),
        segments: &segments[..2],
        target_duration_s: 5,
        state: PlaylistState::Growing,
    };
    let complete = MediaPlaylist {
        segments: &segments,
        state: PlaylistState::Complete,
        ..growing
    };
    let words = [segment("s0.vtt", 8_041_367, 1_000_000, 99)];
    let subtitles = MediaPlaylist {
        init: None,
        segments: &words,
        target_duration_s: 5,
        ..complete
    };
    insta::assert_snapshot!([growing.text(), complete.text(), subtitles.text()].join("\n"));
    let empty = MediaPlaylist {
        segments: &[],
        ..growing
    };
    assert!(empty.text().ends_with("#EXT-X-MAP:URI=\"v0_init.mp4\"\n"));
    // What a player has already read stays valid: segments are only appended.
    let body = growing.text();
    assert!(complete.text().replace("VOD", "EVENT").starts_with(&body));
}

#[test]
fn lengths_are_exact() {
    assert_eq!(segment("", 96_256, 48_000, 0).duration_us(), 2_005_333);
    assert_eq!(segment("", 1, 3, 0).duration_us(), 333_333);
    assert_eq!(segment("", 2, 3, 0).duration_us(), 666_667);
    assert_eq!(
        segment("", 1, 0, 0).duration_us(),
        1_000_000,
        "no timescale counts as one"
    );
    assert_eq!(segment("", u64::MAX, 1, 0).duration_us(), u64::MAX);
    assert_eq!(duration_us(&measured()), 8_041_367);
}

#[test]
fn a_short_last_segment_is_not_the_peak() {
    let rate = Rate::measure(&measured(), 4);
    // The peak is that of the last two segments together; the last one alone, 90 kB in 33 ms, would be 21 Mb/s.
    assert_eq!(rate.peak_bps, 2_090_000_u64 * 8 * 1_000_000 / 4_037_367);
    assert_eq!(rate.average_bps, 3_090_000_u64 * 8 * 1_000_000 / 8_041_367);
    let alone = [segment("", 40, 1_000, 5_000)];
    assert_eq!(
        Rate::measure(&alone, 3),
        Rate {
            peak_bps: 1_000_000,
            average_bps: 1_000_000
        }
    );
    assert_eq!(Rate::measure(&[], 3), Rate::default());
}

#[test]
fn multivariant() {
    let plan = plan(&rich(), &Preset::default()).unwrap();
    let video = plan.video.unwrap();
    let rate = |bps| Rate {
        peak_bps: bps + bps / 2,
        average_bps: bps,
    };
    let full = MasterPlaylist {
        variants: video
            .rungs
            .iter()
            .map(|rung| Variant {
                uri: Track::Video(rung.number).playlist(),
                rate: rate(u64::from(rung.maxrate_bps)),
                codecs: "avc1.64001F".to_owned(),
                width: rung.width,
                height: rung.height,
                fps: video.fps,
            })
            .collect(),
        audio: (0..)
            .zip(&plan.audio)
            .map(|(number, rendition)| Audio {
                uri: Track::Audio(number).playlist(),
                rate: rate(100_000 + u64::from(number)),
                rendition: rendition.clone(),
            })
            .collect(),
        subtitles: (0..)
            .zip(&plan.subtitles)
            .map(|(number, rendition)| Subtitles {
                uri: Track::Subtitles(number).playlist(),
                rendition: rendition.clone(),
            })
            .collect(),
    };
    let silent = MasterPlaylist {
        variants: full.variants[..1].to_vec(),
        ..MasterPlaylist::default()
    };
    let languages = MasterPlaylist {
        audio: full.audio.clone(),
        ..MasterPlaylist::default()
    };
    let audio_only = MasterPlaylist {
        audio: full.audio[2..].to_vec(),
        ..MasterPlaylist::default()
    };
    let texts = [full, silent, languages, audio_only].map(|master| master.text());
    insta::assert_snapshot!(texts.join("\n"));
}

proptest! {
    #[test]
    fn no_segment_is_longer_than_the_target(
        lengths in proptest::collection::vec((0_u64..2_000_000, 0_u64..10_000_000), 0..30),
        target_duration_s in 0_u32..12,
    ) {
        let segments: Vec<_> = lengths.iter().map(|(ticks, size)| segment("x.m4s", *ticks, 90_000, *size)).collect();
        let playlist = MediaPlaylist { init: None, segments: &segments, target_duration_s, state: PlaylistState::Complete };
        let text = playlist.text();
        let target: f64 = text.lines().find_map(|line| line.strip_prefix("#EXT-X-TARGETDURATION:")).unwrap().parse().unwrap();
        let lengths: Vec<f64> = text
            .lines()
            .filter_map(|line| line.strip_prefix("#EXTINF:"))
            .map(|line| line.trim_end_matches(',').parse().unwrap())
            .collect();
        prop_assert_eq!(lengths.len(), segments.len());
        prop_assert!(target >= f64::from(target_duration_s) && target >= 1.0);
        prop_assert!(lengths.iter().all(|length| *length <= target));
        let rate = Rate::measure(&segments, target_duration_s);
        prop_assert!(rate.peak_bps >= rate.average_bps);
    }

    /// Names from a file can end neither a line nor a quoted string.
    #[test]
    fn names_cannot_break_out(name in any::<String>(), uri in any::<String>()) {
        let mut rendition = plan(&rich(), &Preset::default()).unwrap().audio.remove(0);
        rendition.name = name;
        let audio = Audio { uri, rate: Rate::default(), rendition };
        let text = MasterPlaylist { audio: vec![audio.clone(), audio], ..MasterPlaylist::default() }.text();
        prop_assert_eq!(text.lines().count(), 7, "{}", text);
        for line in text.lines().filter(|line| line.starts_with("#EXT-X-MEDIA:")) {
            prop_assert_eq!(line.matches('"').count(), 10, "{}", line);
        }
    }
}
