//! What is sent, by the headers of the request.

use proptest::prelude::*;
use shared::delivery::Selection::{NotModified, PreconditionFailed, RangeNotSatisfiable, Whole};
use shared::delivery::{CONDITION_HEADERS, Conditions, Representation, Selection};
use shared::time::Timestamp;

const STORED: Representation<'_> = Representation {
    etag: r#""b""#,
    // The date of a header has whole seconds, and the bucket milliseconds.
    last_modified: Timestamp::from_ms(784_111_777_432),
    size_bytes: 10,
};
const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

const fn part(offset: u64, length: u64) -> Selection {
    Selection::Part { offset, length }
}

fn conditions(headers: &[(&str, &str)]) -> Conditions {
    for (name, _) in headers {
        assert!(CONDITION_HEADERS.contains(name), "{name}");
    }
    let value = |name: &str| {
        let found = headers.iter().find(|(other, _)| *other == name);
        Ok::<_, ()>(found.map(|(_, value)| (*value).to_owned()))
    };
    Conditions::read(value).unwrap()
}

fn get(headers: &[(&str, &str)]) -> Selection {
    conditions(headers).select(&STORED, true)
}

fn head(headers: &[(&str, &str)]) -> Selection {
    conditions(headers).select(&STORED, false)
}

#[test]
fn a_request_without_conditions_gets_the_whole() {
    assert!(conditions(&[]).is_empty());
    assert_eq!((get(&[]), head(&[])), (Whole, Whole));
    for name in CONDITION_HEADERS {
        assert!(!conditions(&[(name, "x")]).is_empty(), "{name}");
    }
}

#[test]
fn single_conditions() {
    let table = [
        // §13.1.1: strong comparison.
        ("if-match", r#""b""#, Whole),
        ("if-match", "*", Whole),
        ("if-match", " * ", Whole),
        ("if-match", r#""a", "b""#, Whole),
        ("if-match", r#","a" ,, "b","#, Whole),
        ("if-match", r#""a""#, PreconditionFailed),
        ("if-match", r#"W/"b""#, PreconditionFailed),
        ("if-match", r#"w/"b""#, PreconditionFailed),
        ("if-match", "b", PreconditionFailed),
        ("if-match", r#""b"#, PreconditionFailed),
        ("if-match", r#""b"x"#, PreconditionFailed),
        ("if-match", r#""a,"b""#, PreconditionFailed),
        ("if-match", r#""a", *"#, PreconditionFailed),
        ("if-match", "", PreconditionFailed),
        // §13.1.4.
        ("if-unmodified-since", THEN, Whole),
        ("if-unmodified-since", AFTER, Whole),
        ("if-unmodified-since", BEFORE, PreconditionFailed),
        (
            "if-unmodified-since",
            "Sunday, 06-Nov-94 08:49:36 GMT",
            PreconditionFailed,
        ),
        ("if-unmodified-since", "yesterday", Whole),
        // §13.1.2: weak comparison.
        ("if-none-match", r#""b""#, NotModified),
        ("if-none-match", r#"W/"b""#, NotModified),
        ("if-none-match", r#"W/"a", W/"b""#, NotModified),
        ("if-none-match", r#""a,", "b""#, NotModified),
        ("if-none-match", r#"nonsense, "b""#, NotModified),
        ("if-none-match", "*", NotModified),
        ("if-none-match", r#""a""#, Whole),
        ("if-none-match", r#""B""#, Whole),
        ("if-none-match", "b", Whole),
        ("if-none-match", "", Whole),
        // §13.1.3.
        ("if-modified-since", THEN, NotModified),
        ("if-modified-since", AFTER, NotModified),
        ("if-modified-since", "Sun Nov  6 08:49:37 1994", NotModified),
        ("if-modified-since", BEFORE, Whole),
        ("if-modified-since", "yesterday", Whole),
        // Without `Range` it has no effect.
        ("if-range", r#""a""#, Whole),
    ];
    for (name, value, expected) in table {
        let headers = [(name, value)];
        assert_eq!(get(&headers), expected, "{name}: {value}");
        assert_eq!(head(&headers), expected, "HEAD with {name}: {value}");
    }
}

#[test]
fn ranges() {
    let table = [
        ("bytes=0-", part(0, 10)),
        ("bytes=0-0", part(0, 1)),
        ("bytes=2-4", part(2, 3)),
        ("bytes=8-99", part(8, 2)),
        ("bytes=9-", part(9, 1)),
        ("bytes=-3", part(7, 3)),
        ("bytes=-99", part(0, 10)),
        ("Bytes=2-4", part(2, 3)),
        ("bytes=0-18446744073709551615", part(0, 10)),
        ("bytes=0-99999999999999999999999", part(0, 10)),
        ("bytes=-99999999999999999999999", part(0, 10)),
        ("bytes=10-", RangeNotSatisfiable),
        ("bytes=10-20", RangeNotSatisfiable),
        ("bytes=99999999999999999999999-", RangeNotSatisfiable),
        ("bytes=-0", RangeNotSatisfiable),
        ("bytes=4-2", Whole),
        ("bytes=0-1,3-4", Whole),
        ("bytes=0-1,", Whole),
        ("bytes=+1-2", Whole),
        ("bytes=1-+2", Whole),
        ("bytes=1 -2", Whole),
        ("bytes=--1", Whole),
        ("bytes=-", Whole),
        ("bytes=", Whole),
        ("bytes", Whole),
        ("bytes=a-b", Whole),
        ("lines=1-2", Whole),
        ("", Whole),
    ];
    for (value, expected) in table {
        assert_eq!(get(&[("range", value)]), expected, "{value}");
        // §14.2: a range is for GET only.
        assert_eq!(head(&[("range", value)]), Whole, "HEAD with {value}");
    }
}

#[test]
fn an_empty_file_has_no_range() {
    let empty = Representation {
        size_bytes: 0,
        ..STORED
    };
    for (value, expected) in [
        ("bytes=0-", RangeNotSatisfiable),
        ("bytes=0-0", RangeNotSatisfiable),
        ("bytes=-0", RangeNotSatisfiable),
        ("bytes=-5", Whole),
    ] {
        let conditions = conditions(&[("range", value)]);
        assert_eq!(conditions.select(&empty, true), expected, "{value}");
    }
}

#[test]
fn a_range_applies_to_the_version_of_if_range_only() {
    for (value, expected) in [
        (r#""b""#, part(2, 3)),
        (r#" "b" "#, part(2, 3)),
        (THEN, part(2, 3)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", part(2, 3)),
        ("Sun Nov  6 08:49:37 1994", part(2, 3)),
        (r#""a""#, Whole),
        (r#"W/"b""#, Whole),
        (r#""a", "b""#, Whole),
        ("*", Whole),
        ("b", Whole),
        (BEFORE, Whole),
        (AFTER, Whole),
        ("yesterday", Whole),
        ("", Whole),
    ] {
        let headers = [("range", "bytes=2-4"), ("if-range", value)];
        assert_eq!(get(&headers), expected, "{value}");
        assert_eq!(head(&headers), Whole, "HEAD with {value}");
    }
    // The range does not matter when it does not apply.
    let headers = [("range", "bytes=10-"), ("if-range", r#""a""#)];
    assert_eq!(get(&headers), Whole);
}

#[test]
fn a_weak_tag_of_the_file_itself_never_matches_strongly() {
    let weak = Representation {
        etag: r#"W/"b""#,
        ..STORED
    };
    let select = |headers: &[(&str, &str)]| conditions(headers).select(&weak, true);
    assert_eq!(select(&[("if-match", r#"W/"b""#)]), PreconditionFailed);
    assert_eq!(select(&[("if-match", "*")]), Whole);
    assert_eq!(select(&[("if-none-match", r#""b""#)]), NotModified);
    let headers = [("range", "bytes=0-"), ("if-range", r#"W/"b""#)];
    assert_eq!(select(&headers), Whole);
}

/// §13.2.2.
#[test]
fn precedence() {
    let range = ("range", "bytes=2-4");
    let table: [(&[(&str, &str)], Selection); 12] = [
        // If-Match comes first, and If-Unmodified-Since is ignored beside it.
        (
            &[("if-match", r#""b""#), ("if-unmodified-since", BEFORE)],
            Whole,
        ),
        (
            &[("if-match", r#""a""#), ("if-unmodified-since", AFTER)],
            PreconditionFailed,
        ),
        (
            &[("if-match", r#""a""#), ("if-none-match", r#""b""#)],
            PreconditionFailed,
        ),
        (&[("if-match", r#""a""#), range], PreconditionFailed),
        (
            &[
                ("if-unmodified-since", BEFORE),
                ("if-modified-since", AFTER),
            ],
            PreconditionFailed,
        ),
        (
            &[("if-match", r#""b""#), ("if-none-match", r#""b""#)],
            NotModified,
        ),
        // If-Modified-Since is ignored beside If-None-Match.
        (
            &[("if-none-match", r#""a""#), ("if-modified-since", AFTER)],
            Whole,
        ),
        (
            &[("if-none-match", r#""b""#), ("if-modified-since", BEFORE)],
            NotModified,
        ),
        // Last, the range.
        (&[("if-none-match", r#""b""#), range], NotModified),
        (
            &[("if-none-match", r#""b""#), ("range", "bytes=10-")],
            NotModified,
        ),
        (&[("if-none-match", r#""a""#), range], part(2, 3)),
        (
            &[
                ("if-match", r#""b""#),
                ("if-none-match", r#""a""#),
                ("if-range", r#""a""#),
                range,
            ],
            Whole,
        ),
    ];
    for (headers, expected) in table {
        assert_eq!(get(headers), expected, "{headers:?}");
    }
}

#[test]
fn each_selection_has_its_status() {
    let all = [
        Whole,
        part(0, 1),
        NotModified,
        PreconditionFailed,
        RangeNotSatisfiable,
    ];
    assert_eq!(all.map(Selection::status), [200, 206, 304, 412, 416]);
}

proptest! {
    #[test]
    fn a_part_is_within_the_file(
        range in "bytes=[0-9]{0,3}-[0-9]{0,3}|bytes=[0-9]{1,30}-[0-9]{0,30}|\\PC*",
        size_bytes in 0_u64..300,
    ) {
        let stored = Representation { size_bytes, ..STORED };
        if let Selection::Part { offset, length } = conditions(&[("range", &range)]).select(&stored, true) {
            prop_assert!(length > 0 && offset + length <= size_bytes);
        }
    }

    #[test]
    fn no_header_is_too_strange(
        name in prop::sample::select(&CONDITION_HEADERS[..]),
        value in "\\PC*|[W/\"*, abc]{0,20}",
    ) {
        let conditions = conditions(&[(name, &value), ("range", "bytes=0-1")]);
        let _ = conditions.select(&STORED, true);
    }
}
