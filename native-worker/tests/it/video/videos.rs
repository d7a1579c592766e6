//! Every kind of video and audio file gets the right outputs.

use std::path::Path;
use std::time::Duration;

use native_worker::host::scratch::used_bytes;
use serde_json::{Value, json};

use super::harness::{Harness, Outcome, ffprobe};
use crate::fixtures;

async fn make(path: &Path) -> Outcome {
    Harness::open().await.make(path).await
}

/// Runs a job. Returns its outcome, and the variants of the master playlist as `640x360 25.000`.
async fn make_video(path: &Path) -> (Outcome, Vec<String>) {
    let outcome = make(path).await;
    outcome.assert_plays();
    let master = outcome.text("hls/master.m3u8");
    let variants = master
        .lines()
        .filter(|line| line.starts_with("#EXT-X-STREAM-INF"))
        .map(|line| {
            let member = |name: &str| {
                let from = line.split_once(name).map_or("", |(_, rest)| rest);
                from.split(',').next().unwrap().to_owned()
            };
            format!("{} {}", member("RESOLUTION="), member("FRAME-RATE="))
        })
        .collect();
    (outcome, variants)
}

fn seconds(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// The streams of a file of one type.
fn streams(path: &Path, of: &str) -> Vec<Value> {
    let probed = ffprobe(path);
    let streams = probed["streams"].as_array().unwrap();
    let of_type = streams.iter().filter(|stream| stream["codec_type"] == of);
    of_type.cloned().collect()
}

fn notes(outcome: &Outcome) -> Vec<String> {
    let report = outcome.made().report.as_ref().unwrap();
    let notes = report["notes"].as_array().unwrap();
    notes
        .iter()
        .map(|note| note["code"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_video_gets_all_outputs() {
    let (outcome, variants) = make_video(&fixtures::plain()).await;
    assert_eq!(variants, ["640x360 25.000"]);
    assert_eq!(
        outcome.names(),
        [
            "hls",
            "mp4",
            "poster",
            "remux",
            "storyboard",
            "storyboard_sprite",
            "thumbnail"
        ]
    );
    let made = outcome.made();
    assert_eq!((made.width, made.height), (Some(640), Some(360)));
    assert_eq!(made.duration_ms, Some(3_000));
    assert!(
        made.placeholder
            .as_ref()
            .is_some_and(|hash| hash.len() > 20)
    );
    assert!(
        made.peak_memory_bytes
            .is_some_and(|bytes| bytes > 10_000_000)
    );
    let report = made.report.as_ref().unwrap();
    assert_eq!(report["verdict"], json!({"verdict": "complete"}));
    assert_eq!(report["source"]["video"]["codec"], "h264");
    assert_eq!(report["notes"], json!([]));
    let thumbnail = outcome.output("thumbnail");
    assert_eq!((thumbnail.width, thumbnail.height), (Some(320), Some(240)));
    assert_eq!(outcome.output("hls").file, "hls/master.m3u8");
    let index = outcome.text("hls/360p/index.m3u8");
    assert!(index.contains("#EXT-X-PLAYLIST-TYPE:VOD") && index.ends_with("#EXT-X-ENDLIST\n"));
    assert_eq!(
        index.lines().filter(|line| line.contains(".m4s")).count(),
        2
    );
    let board = outcome.text("storyboard.vtt");
    assert!(board.starts_with("WEBVTT") && board.contains("storyboard.jpg#xywh="));
}

#[tokio::test]
async fn the_mp4_can_start_early_and_has_no_metadata() {
    let outcome = make(&fixtures::tagged()).await;
    outcome.assert_plays();
    for name in ["mp4", "remux"] {
        let bytes = std::fs::read(outcome.path(name)).unwrap();
        let at = |what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
        assert!(at(b"moov").unwrap() < at(b"mdat").unwrap(), "{name}");
        for word in ["Secret", "+48.1"] {
            assert_eq!(at(word.as_bytes()), None, "{name}: {word}");
        }
        assert!(streams(&outcome.path(name), "data").is_empty());
    }
}

/// A remux for which the disk has no room is stored while it is written.
#[tokio::test]
async fn the_remux_of_a_large_video_needs_little_disk_space() {
    let path = fixtures::large();
    let original_bytes = path.metadata().unwrap().len();
    assert!(original_bytes > 70 << 20, "{original_bytes}");
    let harness = Harness::open().await;
    let mut making = Box::pin(harness.make(&path));
    let mut ticks = tokio::time::interval(Duration::from_millis(1));
    let mut most = 0;
    let outcome = loop {
        tokio::select! {
            outcome = &mut making => break outcome,
            _ = ticks.tick() => most = most.max(used_bytes(&harness.scratch)),
        }
    };
    outcome.assert_plays();
    assert_eq!(notes(&outcome), [""; 0]);
    let besides = most.saturating_sub(original_bytes) >> 20;
    assert!((8..64).contains(&besides), "{besides} MiB");
    assert!(outcome.output("remux").size_bytes > 64 << 20);
    let length = seconds(&ffprobe(&outcome.path("remux"))["format"]["duration"]);
    assert!((length - 16.0).abs() < 0.05, "{length}");
}

/// Audio and video of the MP4 and of the ladder start at the same time, within a frame.
#[tokio::test]
async fn audio_and_video_start_together() {
    let outcome = make(&fixtures::plain()).await;
    for name in ["mp4", "hls", "remux"] {
        let path = outcome.path(name);
        let start = |of: &str| seconds(&streams(&path, of)[0]["start_time"]);
        let apart = (start("video") - start("audio")).abs();
        assert!(apart <= 0.04, "{name}: {apart}");
    }
    let length = seconds(&ffprobe(&outcome.path("mp4"))["format"]["duration"]);
    assert!((length - 3.0).abs() < 0.05, "{length}");
}

#[tokio::test]
async fn progress_and_early_outputs_are_reported() {
    let outcome = make(&fixtures::longer()).await;
    outcome.assert_plays();
    let stages: Vec<&str> = outcome
        .progress
        .iter()
        .map(|progress| progress.stage.as_str())
        .collect();
    for stage in ["probe", "encode", "package", "store"] {
        assert!(stages.contains(&stage), "{stages:?}");
    }
    let encode: Vec<_> = outcome
        .progress
        .iter()
        .filter(|progress| progress.stage == "encode")
        .collect();
    assert!(
        encode
            .iter()
            .any(|progress| progress.speed.is_some() && progress.eta_ms.is_some())
    );
    let last = outcome.progress.last().unwrap();
    let names: Vec<&str> = last
        .renditions
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["360p", "480p", "720p", "audio-0"]);
    assert_eq!(last.outputs.len(), outcome.made().outputs.len());
    assert!(last.renditions.iter().all(|one| one.ratio > Some(0.99)));
    // The remux is published first, and HLS before the MP4.
    let first = |name: &str| {
        let has = |made: &&shared::worker::Made| made.outputs.iter().any(|one| one.name == name);
        outcome.early.iter().position(|made| has(&made)).unwrap()
    };
    assert!(first("remux") < first("hls") && first("hls") < first("mp4"));
    let growing = &outcome.early[first("hls")];
    assert!(growing.outputs.iter().all(|one| one.name != "mp4"));
}

#[tokio::test]
async fn every_rung_of_a_ladder_has_the_same_segments() {
    let (outcome, variants) = make_video(&fixtures::longer()).await;
    assert_eq!(
        variants,
        ["640x360 25.000", "854x480 25.000", "1280x720 25.000"]
    );
    let lengths = |rung: &str| {
        let index = outcome.text(&format!("hls/{rung}/index.m3u8"));
        let lines = index.lines().filter(|line| line.starts_with("#EXTINF"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(lengths("360p").len(), 6);
    assert_eq!(lengths("360p"), lengths("480p"));
    assert_eq!(lengths("360p"), lengths("720p"));
}

#[tokio::test]
async fn without_audio() {
    let (outcome, _) = make_video(&fixtures::no_audio()).await;
    assert!(streams(&outcome.path("mp4"), "audio").is_empty());
    assert!(!outcome.text("hls/master.m3u8").contains("AUDIO"));
}

#[tokio::test]
async fn audio_only() {
    for (path, length_ms) in [
        (fixtures::audio_only(), 3_000..3_001),
        (fixtures::cover_art(), 2_000..2_060),
    ] {
        let outcome = make(&path).await;
        outcome.assert_plays();
        assert_eq!(outcome.names(), ["hls", "mp4"], "{path:?}");
        let duration_ms = outcome.made().duration_ms.unwrap();
        assert!(length_ms.contains(&duration_ms), "{path:?}: {duration_ms}");
        let mp4 = outcome.output("mp4");
        assert_eq!(
            (mp4.file.as_str(), mp4.content_type.as_str()),
            ("audio.mp4", "audio/mp4")
        );
        assert_eq!((mp4.width, outcome.made().width), (None, None));
        assert!(streams(&outcome.path("mp4"), "video").is_empty());
    }
}

#[tokio::test]
async fn shapes() {
    for (path, variant, size) in [
        (fixtures::odd_444(), "320x180 25.000", (321, 181)),
        (fixtures::portrait(), "360x640 25.000", (360, 640)),
        (fixtures::rotated(), "360x640 25.000", (360, 640)),
        (fixtures::tiny(1), "2x2 25.000", (1, 1)),
        (fixtures::tiny(16), "16x16 25.000", (16, 16)),
    ] {
        let (outcome, variants) = make_video(&path).await;
        assert_eq!(variants, [variant], "{path:?}");
        let made = outcome.made();
        assert_eq!(
            (made.width.unwrap(), made.height.unwrap()),
            size,
            "{path:?}"
        );
        let video = &streams(&outcome.path("mp4"), "video")[0];
        assert_eq!(video["pix_fmt"], "yuv420p", "{path:?}");
    }
}

#[tokio::test]
async fn depths_and_ranges() {
    for path in [fixtures::ten_bit(), fixtures::hdr10(), fixtures::hlg()] {
        let (outcome, variants) = make_video(&path).await;
        assert_eq!(variants, ["320x180 25.000"], "{path:?}");
        let video = &streams(&outcome.path("mp4"), "video")[0];
        assert_eq!(video["pix_fmt"], "yuv420p", "{path:?}");
        assert_ne!(video["color_transfer"], "smpte2084", "{path:?}");
    }
}

#[tokio::test]
async fn rates() {
    for (path, rate) in [
        (fixtures::vfr(), None),
        (fixtures::rate("5994", "60000/1001", "1"), Some("59.940")),
        (fixtures::rate("120", "120", "1"), Some("60.000")),
        (fixtures::rate("1", "1", "4"), Some("1.000")),
        (fixtures::single_frame(), Some("25.000")),
        (fixtures::half_second(), Some("25.000")),
        (fixtures::interlaced(), Some("25.000")),
    ] {
        let (_, variants) = make_video(&path).await;
        let [variant] = variants.as_slice() else {
            panic!("{path:?}: {variants:?}");
        };
        assert!(
            rate.is_none_or(|rate| variant.ends_with(rate)),
            "{path:?}: {variant}"
        );
    }
}

#[tokio::test]
async fn layouts() {
    for path in [
        fixtures::layout("51", "5.1", 48_000),
        fixtures::layout("mono", "mono", 8_000),
        fixtures::layout("71", "7.1", 48_000),
        fixtures::unknown_layout(),
    ] {
        let (outcome, _) = make_video(&path).await;
        let audio = &streams(&outcome.path("mp4"), "audio")[0];
        assert_eq!(
            (&audio["channels"], &audio["sample_rate"]),
            (&json!(2), &json!("48000"))
        );
    }
}

#[tokio::test]
async fn languages() {
    let (outcome, _) = make_video(&fixtures::two_languages()).await;
    let master = outcome.text("hls/master.m3u8");
    for part in ["LANGUAGE=\"en\"", "LANGUAGE=\"de\"", "audio-0/", "audio-1/"] {
        assert!(master.contains(part), "{master}");
    }
    assert_eq!(master.matches("DEFAULT=YES").count(), 1);
}

#[tokio::test]
async fn text_subtitles() {
    let (outcome, _) = make_video(&fixtures::subtitles()).await;
    let master = outcome.text("hls/master.m3u8");
    assert!(master.contains("TYPE=SUBTITLES") && master.contains("LANGUAGE=\"fr\""));
    let text = outcome.text("hls/subs-0/subs.vtt");
    assert!(text.starts_with("WEBVTT") && text.contains("Hello."));
    assert!(outcome.text("hls/subs-0/index.m3u8").contains("subs.vtt"));
}

#[tokio::test]
async fn containers() {
    for path in [
        fixtures::data_stream(),
        fixtures::late_start(),
        fixtures::index_last(),
        fixtures::fragmented(),
    ] {
        let (outcome, _) = make_video(&path).await;
        assert!(
            notes(&outcome).is_empty(),
            "{path:?}: {:?}",
            notes(&outcome)
        );
    }
}

#[tokio::test]
async fn lengths_that_differ() {
    // Audio that ends early is padded with silence.
    let (outcome, _) = make_video(&fixtures::short_audio()).await;
    assert_eq!(outcome.made().duration_ms, Some(3_000));
    let audio = &streams(&outcome.path("mp4"), "audio")[0];
    assert!(seconds(&audio["duration"]) > 2.9);
    // The last frame is shown while the audio continues.
    let (outcome, _) = make_video(&fixtures::long_audio()).await;
    assert_eq!(outcome.made().duration_ms, Some(3_000));
    for of in ["video", "audio"] {
        let stream = &streams(&outcome.path("mp4"), of)[0];
        assert!(seconds(&stream["duration"]) > 2.95, "{stream}");
    }
    assert_eq!(notes(&outcome), [""; 0]);
}

#[tokio::test]
async fn damage_is_reported() {
    let (outcome, _) = make_video(&fixtures::corrupt()).await;
    assert_eq!(notes(&outcome), ["media_degraded"]);
    let message = outcome.progress.last().unwrap().message.as_deref();
    assert!(message.is_some_and(|message| message.starts_with("The file is damaged")));
    // The remux would be as damaged as the source.
    assert!(!outcome.names().contains(&"remux"));
}
