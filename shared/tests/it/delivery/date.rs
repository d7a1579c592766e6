//! The three forms of a date, and nothing else.

use proptest::prelude::*;
use shared::delivery::date::{Seconds, format, parse};
use shared::time::Timestamp;

const EXAMPLE: Timestamp = Timestamp::from_ms(784_111_777_000);

#[test]
fn the_example_of_the_rfc_in_its_three_forms() {
    for text in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
    ] {
        assert_eq!(parse(text), Some(Seconds::of(EXAMPLE)), "{text}");
    }
    assert_eq!(format(EXAMPLE), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(format(EXAMPLE.plus_ms(999)), format(EXAMPLE));
}

#[test]
fn other_texts_are_not_dates() {
    for text in [
        "",
        "1994-11-06T08:49:37Z",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Wed, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:38 GMT",
        "\"etag\"",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_sent_can_be_read(ms in 0..253_402_207_200_999_u64) {
        let time = Timestamp::from_ms(ms);
        prop_assert_eq!(parse(&format(time)), Some(Seconds::of(time)));
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC*|[A-Z][a-z]{2,8},? [0-9A-Za-z :-]{0,30}") {
        let _ = parse(&text);
    }
}
