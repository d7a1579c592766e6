//! The ladder: never enlarged, even sides, the right aspect ratio, a standard frame rate.

use std::fmt::Write as _;

use proptest::prelude::*;
use shared::video::source::VideoStream;
use shared::video::{Plan, Preset, Rational, plan};

use super::{of_size, source, video_stream};

fn planned(video: VideoStream) -> Plan {
    plan(&source(Some(video), Vec::new()), &Preset::default()).unwrap()
}

#[test]
fn rungs() {
    let sizes = [
        (7680, 4320),
        (4096, 2160),
        (3840, 2160),
        (3840, 1608),
        (2560, 1440),
        (2158, 1242),
        (2208, 1242),
        (1920, 1080),
        (1080, 1920),
        (1920, 1079),
        (1600, 900),
        (1440, 1080),
        (2560, 1080),
        (1080, 1080),
        (1472, 828),
        (1474, 829),
        (1281, 721),
        (1280, 720),
        (854, 480),
        (853, 480),
        (852, 480),
        (736, 414),
        (740, 416),
        (640, 360),
        (360, 640),
        (641, 361),
        (639, 359),
        (321, 181),
        (320, 180),
        (180, 320),
        (64, 48),
        (16, 16),
        (3, 5),
        (2, 2),
        (1, 1),
        (8192, 16),
        (1, 8192),
        (8192, 8192),
        (5, 360),
        (361, 8191),
    ];
    let mut table = String::new();
    for (width, height) in sizes {
        write!(table, "{:10}", format!("{width}×{height}")).unwrap();
        for rung in planned(of_size(width, height)).video.unwrap().rungs {
            write!(
                table,
                "  {} {}×{} {}k",
                rung.name,
                rung.width,
                rung.height,
                rung.maxrate_bps / 1_000
            )
            .unwrap();
        }
        table.push('\n');
    }
    insta::assert_snapshot!(table);
}

#[test]
fn frame_rates() {
    let cases = [
        ("25/1", false, "25/1"),
        ("24000/1001", false, "24000/1001"),
        ("30000/1001", false, "30000/1001"),
        ("2997/100", false, "30000/1001"),
        ("15/1", false, "15/1"),
        ("12/1", false, "12/1"),
        ("1/1", false, "1/1"),
        ("1/10", false, "1/10"),
        ("50/1", false, "50/1"),
        ("60000/1001", false, "60000/1001"),
        ("60/1", false, "60/1"),
        ("61/1", false, "61/2"),
        ("90/1", false, "45/1"),
        ("100/1", false, "50/1"),
        ("120000/1001", false, "60000/1001"),
        ("120/1", false, "60/1"),
        ("240/1", false, "60/1"),
        ("90000/1", false, "5625/128"),
        // Variable rates: the standard rate nearby, or the average rounded to 1/1000.
        ("24/1", true, "24/1"),
        ("2361/100", true, "24000/1001"),
        ("246/10", true, "25/1"),
        ("298/10", true, "30000/1001"),
        ("293/10", true, "293/10"),
        ("302/10", true, "30/1"),
        ("49/1", true, "50/1"),
        ("589/10", true, "60000/1001"),
        ("1000/17", true, "60000/1001"),
        ("10/3", true, "3333/1000"),
        ("70/1", true, "35/1"),
        ("118/1", true, "60000/1001"),
        ("1/3000", true, "1/3000"),
    ];
    for (rate, is_vfr, expected) in cases {
        let video = VideoStream {
            frame_rate: Some(rate.parse().unwrap()),
            is_vfr,
            ..video_stream()
        };
        let fps = planned(video).video.unwrap().fps;
        assert_eq!(fps.to_string(), expected, "{rate} {is_vfr}");
    }
    let video = VideoStream {
        frame_rate: None,
        ..video_stream()
    };
    assert_eq!(planned(video).video.unwrap().fps, Rational::whole(25));
}

#[test]
fn a_lower_limit_of_the_preset_holds() {
    let preset = Preset::parse(r#"{"fps_max":30}"#).unwrap();
    for (rate, expected) in [
        ("60/1", "30/1"),
        ("50/1", "25/1"),
        ("30/1", "30/1"),
        ("120/1", "30/1"),
    ] {
        let video = VideoStream {
            frame_rate: Some(rate.parse().unwrap()),
            ..video_stream()
        };
        let plan = plan(&source(Some(video), Vec::new()), &preset).unwrap();
        assert_eq!(plan.video.unwrap().fps.to_string(), expected);
    }
}

#[test]
fn high_frame_rates_get_more_bits() {
    let rate = |num| {
        let video = VideoStream {
            frame_rate: Rational::new(num, 1),
            ..video_stream()
        };
        planned(video)
            .video
            .unwrap()
            .rungs
            .last()
            .unwrap()
            .maxrate_bps
    };
    assert_eq!(rate(30), 6_000_000);
    assert_eq!(rate(50), 9_000_000);
}

#[test]
fn key_frames_are_two_seconds_apart() {
    for (rate, frames) in [
        ("25/1", 50),
        ("30000/1001", 60),
        ("60/1", 120),
        ("1/1", 2),
        ("1/10", 1),
    ] {
        let video = VideoStream {
            frame_rate: Some(rate.parse().unwrap()),
            ..video_stream()
        };
        assert_eq!(planned(video).video.unwrap().gop_frames, frames, "{rate}");
    }
}

proptest! {
    #[test]
    fn what_always_holds(
        width in 1_u32..=8_192,
        height in 1_u32..=8_192,
        num in 1_u32..=200_000,
        den in 1_u32..=2_000,
        is_vfr: bool,
    ) {
        let plan = planned(VideoStream { frame_rate: Rational::new(num, den), is_vfr, ..of_size(width, height) });
        let video = plan.video.unwrap();
        prop_assert!(!video.rungs.is_empty());
        prop_assert!(video.fps <= Rational::whole(60), "{}", video.fps);
        prop_assert!(video.rungs.iter().any(|rung| rung.number == video.mp4_rung));
        for (at, rung) in (0..).zip(&video.rungs) {
            prop_assert_eq!(rung.number, at);
            prop_assert!(rung.width.is_multiple_of(2) && rung.height.is_multiple_of(2) && rung.width >= 2 && rung.height >= 2);
            // Never enlarged, except that a side of one pixel becomes two.
            prop_assert!(rung.width <= width.max(2) && rung.height <= height.max(2));
            // The right aspect ratio, within one even pixel of the longer side (or the smallest possible side).
            let (long, short) = (f64::from(rung.width.max(rung.height)), f64::from(rung.width.min(rung.height)));
            let (source_long, source_short) = (f64::from(width.max(height)), f64::from(width.min(height)));
            // A rung of the source's own size differs by at most an odd row and column.
            let scaled = source_long * short / source_short;
            let is_in_shape = (long - scaled).abs() <= 2.0 || (long - source_long).abs() <= 2.0;
            prop_assert!(is_in_shape || source_short < 2.0, "{}×{} of {width}×{height}", rung.width, rung.height);
            let is_same_way = if width >= height { rung.width >= rung.height } else { rung.width <= rung.height };
            prop_assert!(is_same_way);
            prop_assert_eq!(&rung.name, &format!("{}p", rung.width.min(rung.height)));
            prop_assert!(rung.maxrate_bps >= 100_000 && rung.bufsize_bits >= rung.maxrate_bps);
        }
        let sizes: Vec<_> = video.rungs.iter().map(|rung| rung.width * rung.height).collect();
        prop_assert!(sizes.is_sorted_by(|a, b| a < b), "{sizes:?}");
        // Poster and thumbnail are inside the frame from which they are cropped.
        let poster = &video.poster;
        prop_assert!(poster.thumbnail_width <= 320 && poster.thumbnail_height <= 240);
        prop_assert!(poster.cover_width >= poster.thumbnail_width && poster.cover_height >= poster.thumbnail_height);
        let board = video.storyboard.unwrap();
        prop_assert!(board.tile_width <= width.max(2) && board.tile_height <= height.max(2));
        prop_assert!(board.tile_width.is_multiple_of(2) && board.tile_height.is_multiple_of(2));
    }
}
