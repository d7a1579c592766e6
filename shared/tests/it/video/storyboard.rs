//! The storyboard: at most 100 tiles, and cues without gaps until the end.

use std::fmt::Write as _;

use proptest::prelude::*;
use shared::video::Rational;
use shared::video::storyboard::Storyboard;

#[test]
fn geometry() {
    let fps = Rational::whole(25);
    let mut table = String::new();
    let durations = [
        40, 999, 1_000, 1_001, 42_000, 100_000, 100_001, 200_000, 600_000, 5_400_000, 6_000_001,
        86_400_000,
    ];
    for duration_ms in durations {
        let board = Storyboard::new(1920, 1080, duration_ms, fps);
        writeln!(
            table,
            "{duration_ms:>9} ms  {:>3} tiles every {:>4} s in {}×{}",
            board.tiles, board.interval_s, board.columns, board.rows
        )
        .unwrap();
    }
    for (width, height) in [
        (1920, 1080),
        (1080, 1920),
        (1440, 1080),
        (2560, 1080),
        (64, 48),
        (1, 1),
        (8192, 2),
        (2, 8192),
    ] {
        let board = Storyboard::new(width, height, 1_000, fps);
        writeln!(
            table,
            "{width}×{height}  tile {}×{}",
            board.tile_width, board.tile_height
        )
        .unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_slow_frame_rate_repeats_no_tile() {
    let board = Storyboard::new(640, 360, 60_000, Rational::new(1, 10).unwrap());
    assert_eq!((board.interval_s, board.tiles), (10, 6));
}

#[test]
fn cues() {
    let board = Storyboard::new(1920, 1080, 11_500, Rational::whole(25));
    insta::assert_snapshot!(board.webvtt("storyboard.jpg", 11_500));
    let late = board.webvtt("a b.jpg", 3_723_500);
    assert!(
        late.contains("00:00:11.000 --> 01:02:03.500\na%20b.jpg#xywh=160,90,160,90\n"),
        "{late}"
    );
}

proptest! {
    #[test]
    fn cues_cover_everything_once(
        width in 1_u32..=8_192,
        height in 1_u32..=8_192,
        duration_ms in 1_u64..=86_400_000,
    ) {
        let board = Storyboard::new(width, height, duration_ms, Rational::whole(30));
        prop_assert!((1..=100).contains(&board.tiles));
        prop_assert!(board.columns <= 10 && board.columns * board.rows >= board.tiles);
        prop_assert!(board.columns * (board.rows - 1) < board.tiles, "an empty row");
        let text = board.webvtt("s.jpg", duration_ms);
        let mut end = "00:00:00.000".to_owned();
        let mut tiles = std::collections::BTreeSet::new();
        for line in text.lines() {
            if let Some((from, to)) = line.split_once(" --> ") {
                prop_assert_eq!(from, end);
                prop_assert!(from < to);
                end = to.to_owned();
            }
            if let Some((_, place)) = line.split_once("#xywh=") {
                prop_assert!(tiles.insert(place.to_owned()), "{place} twice");
                let place: Vec<u32> = place.split(',').map(|n| n.parse().unwrap()).collect();
                prop_assert!(place[0] + place[2] <= board.columns * board.tile_width);
                prop_assert!(place[1] + place[3] <= board.rows * board.tile_height);
            }
        }
        prop_assert_eq!(u32::try_from(tiles.len()).unwrap(), board.tiles);
        let (h, m, s, ms) = (duration_ms / 3_600_000, duration_ms / 60_000 % 60, duration_ms / 1_000 % 60, duration_ms % 1_000);
        prop_assert_eq!(end, format!("{h:02}:{m:02}:{s:02}.{ms:03}"));
    }
}
