//! Timestamps: milliseconds internally, RFC 3339 externally.

use proptest::prelude::*;
use shared::time::{Timestamp, TimestampInvalid};

/// 9999-12-30T22:00:00.999Z.
const MS_MAX: u64 = 253_402_207_200_999;

fn check(text: &str, ms: u64) {
    assert_eq!(text.parse(), Ok(Timestamp::from_ms(ms)), "{text:?}");
}

#[test]
fn texts() {
    check("1970-01-01T00:00:00.000Z", 0);
    check("1970-01-01T00:00:00Z", 0);
    check("2026-01-01T00:00:00.001Z", 1_767_225_600_001);
    check("9999-12-30T22:00:00.999Z", MS_MAX);
    // RFC 3339 §5.8: the same time with a different offset, and a leap day.
    check("1996-12-19T16:39:57-08:00", 851_042_397_000);
    check("1996-12-20T00:39:57Z", 851_042_397_000);
    check("2024-02-29T00:00:00Z", 1_709_164_800_000);
    assert_eq!(
        Timestamp::from_ms(0).to_string(),
        "1970-01-01T00:00:00.000Z"
    );
    assert_eq!(
        Timestamp::from_ms(1_767_225_600_010).to_string(),
        "2026-01-01T00:00:00.010Z"
    );
    assert_eq!(
        Timestamp::from_ms(u64::MAX).to_string(),
        "9999-12-30T22:00:00.999Z"
    );
}

#[test]
fn other_texts_are_not_times() {
    let bad = [
        "",
        "now",
        "0",
        "1767225600",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-01-01T00:00:00Z ",
        "10000-01-01T00:00:00Z",
        "2026-01-01T00:00:00.000Zjunk",
    ];
    for text in bad {
        assert_eq!(text.parse::<Timestamp>(), Err(TimestampInvalid), "{text:?}");
    }
    assert!(serde_json::from_str::<Timestamp>("1767225600000").is_err());
}

#[test]
fn sums_stay_in_range() {
    let end = Timestamp::from_ms(MS_MAX);
    assert_eq!(Timestamp::from_ms(MS_MAX + 1), end);
    assert_eq!(end.plus_ms(1), end);
    assert_eq!(end.plus_ms(u64::MAX), end);
    let start = Timestamp::from_ms(5);
    assert_eq!(start.minus_ms(6), Timestamp::from_ms(0));
    assert_eq!(start.minus_ms(2), Timestamp::from_ms(3));
    assert_eq!(start.ms_since(end), 0);
    assert_eq!(end.ms_since(start), MS_MAX - 5);
    assert_eq!(Timestamp::from_ms(1_999).seconds(), 1);
    assert_eq!(end.to_jiff().as_millisecond(), 253_402_207_200_999);
}

proptest! {
    #[test]
    fn texts_and_json_round_trip_and_sort(a in 0..=MS_MAX, b in 0..=MS_MAX) {
        let (a, b) = (Timestamp::from_ms(a), Timestamp::from_ms(b));
        prop_assert_eq!(a.to_string().parse(), Ok(a));
        let json = serde_json::to_string(&a).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), a);
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        let text = a.to_string();
        prop_assert_eq!((text.len(), text.ends_with('Z')), (24, true));
    }

    #[test]
    fn arbitrary_texts_never_panic(text in "\\PC*|[0-9TZ:.+-]{0,30}") {
        if let Ok(time) = text.parse::<Timestamp>() {
            prop_assert!(time.ms() <= MS_MAX);
        }
    }
}
