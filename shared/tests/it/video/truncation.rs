//! Verdicts. The first rows are results of ffmpeg 5.1 on real files, for which it reported success.

use proptest::prelude::*;
use shared::video::truncation::{Encoded, Expected, Verdict, tolerance_ms, verdict};

const fn declared(ms: u64) -> Expected {
    Expected {
        video_ms: Some(ms),
        duration_ms: Some(ms),
        has_video: true,
    }
}

const fn made(video_ms: u64, audio_ms: u64, decode_errors: u64) -> Encoded {
    Encoded {
        video_ms,
        audio_ms,
        frames: video_ms / 40,
        decode_errors,
    }
}

const CONTAINER_ONLY: Expected = Expected {
    video_ms: None,
    ..declared(10_000)
};
const AUDIO: Expected = Expected {
    has_video: false,
    ..CONTAINER_ONLY
};
const UNKNOWN: Expected = Expected {
    video_ms: None,
    duration_ms: None,
    has_video: true,
};

#[rustfmt::skip]
const CASES: [(&str, Expected, Encoded, &str); 21] = [
    ("30 of 61 MB", declared(42_000), made(20_200, 20_200, 9), "truncated at 20200"),
    ("the same, audio padded to the end", declared(5_005), made(2_502, 5_013, 9), "truncated at 2502"),
    ("2000 corrupted bytes", declared(20_000), made(20_000, 20_000, 181), "181 errors, 0 missing"),
    ("whole", declared(42_000), made(42_000, 42_016, 0), "complete"),
    ("a frame short", declared(42_000), made(41_960, 42_016, 0), "complete"),
    ("damaged at the end", declared(42_000), made(41_500, 41_500, 3), "3 errors, 500 missing"),
    ("a second and more short", declared(42_000), made(40_999, 42_000, 0), "truncated at 40999"),
    ("half is missing, without any error", declared(42_000), made(21_000, 42_000, 0), "truncated at 21000"),
    ("a long video with an estimated duration", declared(7_200_000), made(7_190_000, 0, 0), "complete"),
    ("a long video without its end", declared(7_200_000), made(7_189_999, 0, 0), "truncated at 7189999"),
    ("longer than declared", declared(10_000), made(15_000, 0, 0), "complete"),
    ("one frame", declared(40), made(40, 0, 0), "complete"),
    ("half a second, half is missing", declared(500), made(240, 0, 0), "truncated at 240"),
    ("nothing", declared(10_000), made(0, 10_000, 1), "truncated at 0"),
    ("the audio reaches the end", CONTAINER_ONLY, made(4_000, 10_000, 0), "complete"),
    ("neither reaches the end", CONTAINER_ONLY, made(4_000, 5_000, 0), "truncated at 5000"),
    ("no duration was declared", UNKNOWN, made(4_000, 0, 0), "complete"),
    ("nothing was declared, nothing was encoded", UNKNOWN, made(0, 0, 0), "truncated at 0"),
    ("audio only", AUDIO, made(0, 10_005, 0), "complete"),
    ("audio only, truncated", AUDIO, made(0, 5_000, 0), "truncated at 5000"),
    ("audio only, empty", AUDIO, made(0, 0, 0), "truncated at 0"),
];

#[test]
fn verdicts() {
    for (name, expected, encoded, outcome) in CASES {
        let found = match verdict(&expected, &encoded) {
            Verdict::Complete => "complete".to_owned(),
            Verdict::Degraded {
                decode_errors,
                missing_ms,
            } => format!("{decode_errors} errors, {missing_ms} missing"),
            Verdict::Truncated { encoded_ms, .. } => format!("truncated at {encoded_ms}"),
        };
        assert_eq!(found, outcome, "{name}");
    }
}

#[test]
fn a_verdict_names_its_numbers() {
    let found = verdict(&declared(42_000), &made(20_200, 0, 0));
    assert_eq!(
        serde_json::to_string(&found).unwrap(),
        r#"{"verdict":"truncated","expected_ms":42000,"encoded_ms":20200}"#
    );
}

#[test]
fn tolerances() {
    let cases = [
        (0, 0),
        (40, 20),
        (1_000, 500),
        (2_000, 1_000),
        (42_000, 1_000),
        (60_000, 1_200),
        (600_000, 10_000),
        (86_400_000, 10_000),
    ];
    for (expected_ms, tolerated) in cases {
        assert_eq!(tolerance_ms(expected_ms), tolerated, "{expected_ms}");
    }
}

proptest! {
    /// A shorter result is never judged better.
    #[test]
    fn a_shorter_result_is_never_judged_better(expected in 1_u64..10_000_000, made_ms in 0_u64..10_000_000, less in 0_u64..10_000, errors in 0_u64..5) {
        let rank = |ms| match verdict(&declared(expected), &made(ms, 0, errors)) {
            Verdict::Complete => 0,
            Verdict::Degraded { .. } => 1,
            Verdict::Truncated { .. } => 2,
        };
        prop_assert!(rank(made_ms.saturating_sub(less)) >= rank(made_ms));
        prop_assert!(errors == 0 || rank(made_ms) > 0, "errors must be reported");
    }
}
