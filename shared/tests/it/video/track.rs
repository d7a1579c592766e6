//! File names of tracks.

use proptest::prelude::*;
use shared::video::track::Track;

#[test]
fn names() {
    assert_eq!(Track::Video(0).playlist(), "v0.m3u8");
    assert_eq!(Track::Audio(3).init(), "a3_init.mp4");
    assert_eq!(Track::Video(12).segment(7), "v12_00007.m4s");
    assert_eq!(Track::Subtitles(1).segment(0), "s1.vtt");
}

#[test]
fn other_names_are_not_segments() {
    for name in [
        "",
        "v0.m3u8",
        "v0_init.mp4",
        "v0_00000.m4s.tmp",
        "x0_00000.m4s",
        "v_00000.m4s",
        "v0_0.m4s",
        "v+1_00000.m4s",
        "v0_000000.m4s",
        "v00_00000.m4s",
        "é0_00000.m4s",
        "s0.vtt",
        "v99999999999_00000.m4s",
        "a0_00000_1.m4s",
    ] {
        assert_eq!(Track::of_segment(name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn a_segment_name_round_trips(number: u32, sequence: u32) {
        for track in [Track::Video(number), Track::Audio(number)] {
            prop_assert_eq!(Track::of_segment(&track.segment(sequence)), Some((track, sequence)));
        }
    }
}
