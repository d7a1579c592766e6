//! Reading bodies and settings: what is accepted, and what is said of the rest.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use shared::api::{CompleteAsset, CreateAsset, DrainWorker};
use shared::asset::Owner;
use shared::job::{Progress, RenditionProgress};
use shared::json::{INTEGER_MAX, Invalid, body, read};
use shared::kind::AssetKind;
use shared::problem::ErrorCode;
use shared::worker::queue::PullMessages;
use shared::worker::{FailJob, FinishJob, RegisterWorker};

fn detail<T: serde::de::DeserializeOwned + std::fmt::Debug>(text: &str) -> String {
    let failure = body::<T>(text.as_bytes()).unwrap_err();
    assert_eq!(failure.code, ErrorCode::RequestInvalid, "{text}");
    failure.detail
}

/// A new asset with `field` replaced by the JSON `value`, or removed.
fn asset(field: &str, value: Option<&str>) -> String {
    let mut body = json!({"filename": "a.jpg", "content_type": "image/jpeg", "size_bytes": 1});
    let members = body.as_object_mut().unwrap();
    members.remove(field);
    let mut text = serde_json::to_string(&members).unwrap();
    if let Some(value) = value {
        text = text.replacen('{', &format!("{{\"{field}\": {value}, "), 1);
    }
    text
}

#[test]
fn errors_name_the_field_and_what_it_must_be() {
    let table = [
        ("filename", Some("7"), "filename must be a string."),
        ("filename", None, "filename is required."),
        (
            "size_bytes",
            Some("\"1\""),
            "size_bytes must be an integer.",
        ),
        ("size_bytes", Some("null"), "size_bytes must be an integer."),
        ("size_bytes", Some("[1]"), "size_bytes must be an integer."),
        ("sha256", Some("1"), "sha256 must be a string."),
        (
            "visibility",
            Some("\"secret\""),
            "visibility must be one of: public, private.",
        ),
        (
            "visibility",
            Some("{}"),
            "visibility must be one of: public, private.",
        ),
        ("metadata", Some("[]"), "metadata must be an object."),
        (
            "owner",
            Some("[\"course\", \"1\"]"),
            "owner must be an object.",
        ),
        (
            "owner",
            Some("{\"type\": \"course\"}"),
            "owner.id is required.",
        ),
        (
            "owner",
            Some("{\"type\": 1, \"id\": \"1\"}"),
            "owner.type must be a string.",
        ),
        (
            "owner",
            Some("{\"type\": \"a\", \"id\": \"1\", \"x\": 1}"),
            "owner.x is not a known field; known: type, id.",
        ),
        (
            "owner",
            Some("{\"type\": \"a\", \"id\": \"1\", \"id\": \"2\"}"),
            "owner.id is given twice.",
        ),
        (
            "size",
            Some("1"),
            "size is not a known field; known: filename, content_type, size_bytes, sha256, visibility, owner, metadata, on_behalf_of.",
        ),
    ];
    for (field, value, expected) in table {
        assert_eq!(detail::<CreateAsset>(&asset(field, value)), expected);
    }
    for text in [
        "[]",
        "null",
        "1",
        "\"text\"",
        "[\"a.jpg\", \"image/jpeg\", 1]",
    ] {
        assert_eq!(detail::<CreateAsset>(text), "The body must be an object.");
    }
}

#[test]
fn errors_name_the_path_in_worker_bodies() {
    let fence = r#""attempt": 1, "lease_token": "t""#;
    let made = |outputs: &str| format!(r#"{{{fence}, "made": {{"outputs": {outputs}}}}}"#);
    let output = r#"{"name": "a", "file": "a", "content_type": "a", "size_bytes": 1}"#;
    for (text, expected) in [
        (made("{}"), "made.outputs must be an array."),
        (made("[1]"), "made.outputs[0] must be an object."),
        (
            made(&format!("[{output}, {{}}]")),
            "made.outputs[1].name is required.",
        ),
        (
            made(&format!("[{}]", output.replace(": 1", ": 1.5"))),
            "made.outputs[0].size_bytes must be an integer.",
        ),
        (
            made(&format!("[{}]", output.replace(": 1", ": -1"))),
            "made.outputs[0].size_bytes must be an integer from 0 to 9007199254740991.",
        ),
        (
            made(&format!("[{}]", output.replace("\"file\"", "\"path\""))),
            "made.outputs[0].path is not a known field; known: name, file, content_type, width, height, size_bytes.",
        ),
    ] {
        assert_eq!(detail::<FinishJob>(&text), expected);
    }
    let fail = format!(r#"{{{fence}, "code": "internal", "detail": "", "class": "final"}}"#);
    assert_eq!(
        detail::<FailJob>(&fail),
        "class must be one of: permanent, retryable."
    );
    assert_eq!(
        detail::<DrainWorker>(r#"{"drain": "yes"}"#),
        "drain must be true or false."
    );
    assert_eq!(
        detail::<CompleteAsset>(r#"{"parts": null}"#),
        "parts must be an array."
    );
    let register = r#"{"version": "1", "ffmpeg_version": "7", "cores": 4294967296, "slots": 1, "encoders": [], "state": "active"}"#;
    assert_eq!(
        detail::<RegisterWorker>(register),
        "cores must be an integer from 0 to 4294967295."
    );
}

#[test]
fn a_whole_number_is_an_integer_however_it_is_written() {
    let wait = |number: &str| {
        let text = format!(r#"{{"wait_ms": {number}}}"#);
        body::<PullMessages>(text.as_bytes()).map(|pull| pull.wait_ms.unwrap())
    };
    for (number, value) in [
        ("0", 0),
        ("-0", 0),
        ("0.0", 0),
        ("-0.0", 0),
        ("314", 314),
        ("314.0", 314),
        ("3.14e2", 314),
        ("1e12", 1_000_000_000_000),
        ("1E+3", 1_000),
        ("9007199254740991", INTEGER_MAX),
        ("9007199254740991.0", INTEGER_MAX),
    ] {
        assert_eq!(wait(number), Ok(value), "{number}");
    }
    let range = "wait_ms must be an integer from 0 to 9007199254740991.";
    for number in [
        "-1",
        "-1.0",
        "9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "1e30",
        "-1e30",
        "1e300",
    ] {
        assert_eq!(wait(number).unwrap_err().detail, range, "{number}");
    }
    for number in ["0.5", "1e-3", "314.5", "\"1\"", "true", "{}"] {
        let detail = wait(number).unwrap_err().detail;
        assert_eq!(detail, "wait_ms must be an integer.", "{number}");
    }
}

#[test]
fn every_kind_of_integer_has_its_range() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Integers {
        a: u8,
        b: u16,
        c: u32,
        d: i8,
        e: i16,
        f: i32,
        g: i64,
        h: f32,
    }
    let text = br#"{"a": 255.0, "b": 65535, "c": 4294967295, "d": -128, "e": -32768, "f": -2147483648.0, "g": -9007199254740991, "h": 2}"#;
    let expected = Integers {
        a: u8::MAX,
        b: u16::MAX,
        c: u32::MAX,
        d: i8::MIN,
        e: i16::MIN,
        f: i32::MIN,
        g: -9_007_199_254_740_991,
        h: 2.0,
    };
    assert_eq!(read::<Integers>(text), Ok(expected));
    let one = |text: &str| read::<BTreeMap<String, i8>>(text.as_bytes());
    assert_eq!(
        one(r#"{"x": 128}"#).unwrap_err().to_string(),
        "x must be an integer from -128 to 127"
    );
}

#[test]
fn other_numbers_stay_as_they_were_sent() {
    let text = r#"{"whole": 1.0, "small": 1e-7, "big": 9007199254740993, "digits": 0.30000000000000004, "odd": 9007199254740991.0, "negative": -3, "text": "1", "null": null, "list": [1.0, [true]]}"#;
    let metadata: Map<String, Value> = body(text.as_bytes()).unwrap();
    let direct: Map<String, Value> = serde_json::from_str(text).unwrap();
    assert_eq!(metadata, direct);
    assert!(metadata["whole"].is_f64());
    assert_eq!(metadata["digits"].to_string(), "0.30000000000000004");
    assert_eq!(metadata["odd"].to_string(), "9007199254740991.0");
    assert_eq!(metadata["big"].as_u64(), Some(9_007_199_254_740_993));
    let ratio = |text: &str| body::<RenditionProgress>(text.as_bytes()).map(|it| it.ratio);
    assert_eq!(ratio(r#"{"name": "a", "ratio": 1}"#), Ok(Some(1.0)));
    assert_eq!(ratio(r#"{"name": "a", "ratio": null}"#), Ok(None));
    assert_eq!(
        ratio(r#"{"name": "a", "ratio": "1"}"#).unwrap_err().detail,
        "ratio must be a number."
    );
}

#[test]
fn unknown_fields_are_ignored_where_the_type_ignores_them() {
    let text = r#"{"stage": "encode", "surprise": {"deep": [1, {"er": null}]}}"#;
    let progress: Progress = body(text.as_bytes()).unwrap();
    assert_eq!(progress.stage, "encode");
}

#[test]
fn keys_that_are_words_are_fields() {
    type Limits = BTreeMap<AssetKind, u64>;
    let text = br#"{"image": 1, "video": 2}"#;
    let limits = BTreeMap::from([(AssetKind::Image, 1), (AssetKind::Video, 2)]);
    assert_eq!(read::<Limits>(text), Ok(limits));
    assert_eq!(
        read::<Limits>(br#"{"photo": 1}"#).unwrap_err().to_string(),
        "photo is not a known field; known: image, video, audio, document, package"
    );
    let nested = read::<BTreeMap<String, Limits>>(br#"{"acme": {"photo": 1}}"#);
    assert_eq!(
        nested.unwrap_err().to_string(),
        "acme.photo is not a known field; known: image, video, audio, document, package"
    );
    assert_eq!(
        read::<Limits>(b"1").unwrap_err().to_string(),
        "the document must be an object"
    );
}

#[test]
fn what_is_not_json_has_its_own_code() {
    for text in ["", "{", "nonsense", "{} {}", "{\"a\": NaN}", "\"\\ud800\""] {
        let failure = body::<Owner>(text.as_bytes()).unwrap_err();
        assert_eq!(failure.code, ErrorCode::JsonInvalid, "{text}");
        assert!(
            failure.detail.starts_with("The body is not valid JSON: "),
            "{}",
            failure.detail
        );
    }
    let deep = format!("{{\"type\": {}", "[".repeat(100_000));
    assert!(matches!(
        read::<Owner>(deep.as_bytes()),
        Err(Invalid::Syntax(_))
    ));
}

#[test]
fn an_error_repeats_only_the_beginning_of_a_long_name() {
    let text = format!("{{\"{}\": 1}}", "x".repeat(100_000));
    let detail = detail::<Owner>(&text);
    assert_eq!(
        detail,
        format!("{}… is not a known field; known: type, id.", "x".repeat(64))
    );
}
