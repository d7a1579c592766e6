//! Plans: the renditions of a source, and the sources that are rejected.

use shared::problem::ErrorCode;
use shared::video::plan::Filter;
use shared::video::source::{AudioStream, DynamicRange, Source, SubtitleStream, VideoStream};
use shared::video::{Plan, Preset, Rational, plan};

use super::{audio_stream, of_size, source, text_subtitles, video_stream};

fn planned(source: &Source) -> Plan {
    plan(source, &Preset::default()).unwrap()
}

/// A file with most features that a file can have.
pub(super) fn rich() -> Source {
    let english = AudioStream {
        language: Some("en".to_owned()),
        is_default: true,
        ..audio_stream(1)
    };
    let director = AudioStream {
        title: Some("Director \"speaks\"".to_owned()),
        channels: 6,
        layout: Some("5.1(side)".to_owned()),
        ..english.clone()
    };
    Source {
        subtitles: vec![
            SubtitleStream {
                language: Some("fr".to_owned()),
                ..text_subtitles(4)
            },
            SubtitleStream {
                language: Some("fr".to_owned()),
                is_forced: true,
                is_default: true,
                ..text_subtitles(5)
            },
        ],
        ..source(
            Some(VideoStream {
                frame_rate: Rational::new(30_000, 1_001),
                ..video_stream()
            }),
            vec![
                english,
                AudioStream {
                    index: 2,
                    is_default: false,
                    ..director
                },
                audio_stream(3),
            ],
        )
    }
}

#[test]
fn a_rich_file() {
    let plan = planned(&rich());
    let json = serde_json::to_string_pretty(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
    insta::assert_snapshot!(json);
}

#[test]
fn audio_only() {
    let plan = planned(&Source {
        subtitles: vec![text_subtitles(1)],
        ..source(None, vec![audio_stream(0)])
    });
    assert!(plan.is_audio_only());
    assert!(plan.subtitles.is_empty(), "audio has no subtitles");
    assert_eq!(plan.audio.first().unwrap().end_ms, None);
    assert!(
        plan.audio.first().unwrap().is_default,
        "one is always the default"
    );
    assert_eq!(plan.remux, None);
}

#[test]
fn no_audio() {
    let plan = planned(&source(Some(video_stream()), Vec::new()));
    assert!(plan.audio.is_empty());
    assert_eq!(plan.remux.unwrap().audio, None);
}

#[test]
fn rejections() {
    type Change = fn(&mut Source);
    let cases: [(Change, ErrorCode); 11] = [
        (
            |source| {
                source.video = None;
                source.audio.clear();
            },
            ErrorCode::MediaNoStreams,
        ),
        (|source| source.streams_count = 65, ErrorCode::MediaTooLarge),
        (
            |source| source.duration_ms = Some(86_400_001),
            ErrorCode::MediaTooLarge,
        ),
        (
            |source| source.video = Some(of_size(8_193, 16)),
            ErrorCode::MediaTooLarge,
        ),
        (
            |source| source.video = Some(of_size(16, 65_535)),
            ErrorCode::MediaTooLarge,
        ),
        // Small as stored, large as displayed.
        (
            |source| source.video.as_mut().unwrap().width = 9_000,
            ErrorCode::MediaTooLarge,
        ),
        (
            |source| source.video = Some(of_size(0, 0)),
            ErrorCode::MediaUnsupported,
        ),
        (
            |source| source.video.as_mut().unwrap().codec = None,
            ErrorCode::MediaUnsupported,
        ),
        (
            |source| source.video.as_mut().unwrap().is_protected = true,
            ErrorCode::MediaUnsupported,
        ),
        (
            |source| source.audio[0].is_protected = true,
            ErrorCode::MediaUnsupported,
        ),
        (
            |source| source.audio[0].codec = None,
            ErrorCode::MediaUnsupported,
        ),
    ];
    let mut table = Vec::new();
    for (change, code) in cases {
        let mut source = source(Some(video_stream()), vec![audio_stream(1)]);
        change(&mut source);
        let failure = plan(&source, &Preset::default()).unwrap_err();
        assert_eq!(failure.code, code, "{}", failure.detail);
        table.push(format!("{}\n    {}", failure.code.as_str(), failure.detail));
    }
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn limits_come_from_the_preset() {
    let preset = Preset::parse(r#"{"limits":{"side_max":1280,"duration_max_ms":1000}}"#).unwrap();
    let mut source = source(Some(of_size(1_280, 720)), Vec::new());
    assert_eq!(
        plan(&source, &preset).unwrap_err().code,
        ErrorCode::MediaTooLarge
    );
    source.duration_ms = None;
    // A file of unknown duration is accepted.
    assert!(plan(&source, &preset).is_ok());
}

/// Remuxing an MP4 is less useful than remuxing a container that browsers do not support.
#[test]
fn mp4_sources_are_recognized() {
    let mut source = source(Some(video_stream()), Vec::new());
    let is_mp4 = |source: &Source| planned(source).remux.unwrap().is_mp4;
    assert!(is_mp4(&source));
    source.brand = Some("qt".to_owned());
    assert!(!is_mp4(&source));
    (source.formats, source.brand) = (vec!["matroska".to_owned()], None);
    assert!(!is_mp4(&source));
}

#[test]
fn streams_that_browsers_play_are_copied() {
    let can = |video: VideoStream, audio: Vec<AudioStream>| {
        planned(&source(Some(video), audio)).remux.is_some()
    };
    assert!(can(video_stream(), Vec::new()));
    assert!(can(video_stream(), vec![audio_stream(1)]));
    assert!(can(of_size(1_080, 1_920), vec![audio_stream(1)]));
    let unlike: [fn(&mut VideoStream); 10] = [
        |video| video.codec = Some("hevc".to_owned()),
        |video| video.profile = Some("High 10".to_owned()),
        |video| video.profile = None,
        |video| video.pixel_format = Some("yuv444p".to_owned()),
        |video| video.bit_depth = 10,
        |video| video.dynamic_range = DynamicRange::Pq,
        |video| video.is_interlaced = true,
        |video| video.level = Some(51),
        |video| video.frame_rate = Rational::new(120, 1),
        |video| video.width = 2_560,
    ];
    for (at, change) in unlike.into_iter().enumerate() {
        let mut video = video_stream();
        change(&mut video);
        assert!(!can(video, vec![audio_stream(1)]), "change {at}");
    }
    let opus = AudioStream {
        codec: Some("opus".to_owned()),
        ..audio_stream(1)
    };
    assert!(!can(video_stream(), vec![opus.clone()]));
    // The default audio stream decides.
    let default = AudioStream {
        is_default: true,
        ..audio_stream(2)
    };
    let plan = planned(&source(Some(video_stream()), vec![opus, default]));
    assert_eq!(plan.remux.unwrap().audio, Some(2));
}

#[test]
fn audio_ends_with_the_video() {
    let end = |video: Option<u64>, audio: Option<u64>| {
        let video = VideoStream {
            end_ms: video,
            ..video_stream()
        };
        let audio = AudioStream {
            end_ms: audio,
            ..audio_stream(1)
        };
        // The longest audio stream decides.
        let short = AudioStream {
            end_ms: Some(9_000),
            ..audio_stream(2)
        };
        let plan = planned(&source(Some(video), vec![short, audio]));
        let video = plan.video.unwrap();
        let held = video.filters.iter().find_map(|filter| {
            if let Filter::Hold(ms) = filter {
                Some(*ms)
            } else {
                None
            }
        });
        let ends: Vec<_> = plan.audio.iter().map(|audio| audio.end_ms).collect();
        assert_eq!(ends, [ends[0]; 2]);
        assert_eq!(video.end_ms, ends[0]);
        (ends[0], held)
    };
    let shown = (Some(10_000), None);
    let cut = end(Some(10_000), Some(10_021));
    assert_eq!(cut, shown, "slightly longer audio is cut");
    let filled = end(Some(10_000), Some(8_000));
    assert_eq!(filled, shown, "shorter audio is padded");
    let held = end(Some(10_000), Some(10_151));
    let expected = (Some(10_151), Some(151));
    assert_eq!(
        held, expected,
        "longer audio is content: the last frame is held"
    );
    assert_eq!(end(Some(10_000), None), shown);
    assert_eq!(end(None, Some(10_000)), (None, None));
}

#[test]
fn unknown_duration() {
    let plan = planned(&Source {
        duration_ms: None,
        ..source(
            Some(VideoStream {
                end_ms: None,
                frames: None,
                ..video_stream()
            }),
            Vec::new(),
        )
    });
    let video = plan.video.unwrap();
    assert_eq!(
        (video.frames, video.storyboard, video.poster.at_ms),
        (None, None, 0)
    );
    assert_eq!((plan.segment_ms, plan.target_duration_s), (2_000, 3));
}

#[test]
fn the_poster_is_at_a_tenth_of_the_video() {
    for (end_ms, at_ms) in [
        (40, 0),
        (999, 0),
        (1_000, 100),
        (42_000, 4_200),
        (600_000, 10_000),
    ] {
        let video = VideoStream {
            end_ms: Some(end_ms),
            ..video_stream()
        };
        let plan = planned(&source(Some(video), Vec::new()));
        assert_eq!(plan.video.unwrap().poster.at_ms, at_ms);
    }
}

#[test]
fn thumbnails_cover_their_box() {
    let cases = [
        ((1_920, 1_080), (427, 240), (320, 240)),
        ((1_080, 1_920), (320, 569), (320, 240)),
        ((640, 480), (320, 240), (320, 240)),
        ((320, 180), (320, 180), (240, 180)),
        ((1, 1), (2, 2), (2, 2)),
    ];
    for ((width, height), cover, thumbnail) in cases {
        let poster = planned(&source(Some(of_size(width, height)), Vec::new()))
            .video
            .unwrap()
            .poster;
        let found = (poster.cover_width, poster.cover_height);
        assert!(
            found.0.abs_diff(cover.0) <= 1 && found.1.abs_diff(cover.1) <= 1,
            "{found:?} {cover:?}"
        );
        assert_eq!((poster.thumbnail_width, poster.thumbnail_height), thumbnail);
    }
}

#[test]
fn the_mp4_is_no_larger_than_configured() {
    let rung = |width, height, preset: &str| {
        let plan = plan(
            &source(Some(of_size(width, height)), Vec::new()),
            &Preset::parse(preset).unwrap(),
        );
        let video = plan.unwrap().video.unwrap();
        video.rungs[usize::try_from(video.mp4_rung).unwrap()]
            .name
            .clone()
    };
    assert_eq!(rung(3_840, 2_160, "{}"), "1080p");
    assert_eq!(rung(1_280, 720, "{}"), "720p");
    assert_eq!(rung(1_920, 1_080, r#"{"mp4_short_side_max":720}"#), "720p");
    assert_eq!(
        rung(1_920, 1_080, r#"{"mp4_short_side_max":100}"#),
        "360p",
        "the smallest, if none is small enough"
    );
}

#[test]
fn the_target_duration_leaves_room_for_a_frame() {
    let target = |num, duration_ms| {
        let video = VideoStream {
            frame_rate: Rational::new(num, 1),
            ..video_stream()
        };
        let plan = planned(&Source {
            duration_ms: Some(duration_ms),
            ..source(Some(video), Vec::new())
        });
        plan.target_duration_s
    };
    assert_eq!(target(25, 10_000), 3);
    assert_eq!(target(25, 600_000), 5);
    assert_eq!(target(1, 600_000), 5);
}

#[test]
fn names_are_unique() {
    let named = |title: &str| AudioStream {
        title: Some(title.to_owned()),
        ..audio_stream(1)
    };
    let made = planned(&source(
        Some(video_stream()),
        vec![
            named("Main"),
            named("Main"),
            named("Main 2"),
            audio_stream(4),
            named("a\nb"),
        ],
    ));
    let given: Vec<_> = made.audio.iter().map(|audio| audio.name.as_str()).collect();
    assert_eq!(given, ["Main", "Main 2", "Main 2 2", "Audio", "ab"]);
}
