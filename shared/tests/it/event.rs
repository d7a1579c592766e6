//! Server-sent events, parsed by a third-party parser (`eventsource-stream`).

use eventsource_stream::{Event as Read, Eventsource as _};
use futures::StreamExt as _;
use proptest::prelude::*;
use serde_json::json;
use shared::event::{
    Cursor, CursorInvalid, Event, EventType, SSE_HEARTBEAT, encode_sse, encode_sse_retry,
};
use shared::id::{AssetId, EventId, JobId};
use shared::job::Progress;
use shared::time::Timestamp;

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);

/// Parses a stream that arrives in chunks of `piece` bytes.
fn read(stream: &str, piece: usize) -> Vec<Read> {
    let pieces: Vec<Result<Vec<u8>, std::convert::Infallible>> = stream
        .as_bytes()
        .chunks(piece)
        .map(|bytes| Ok(bytes.to_vec()))
        .collect();
    let events = futures::stream::iter(pieces)
        .eventsource()
        .map(Result::unwrap);
    futures::executor::block_on(events.collect())
}

/// Encodes `data` as an event between two others and parses it. Asserts that the other events are unaffected.
fn read_back(data: &str, piece: usize) -> Read {
    let id = |seq| Some(Cursor { generation: 7, seq });
    let stream = [
        encode_sse(id(1), "before", "{}"),
        encode_sse(id(2), "processing_complete", data),
        SSE_HEARTBEAT.to_owned(),
        encode_sse(id(3), "after", "{}"),
    ];
    let events = read(&stream.concat(), piece);
    let names: Vec<&str> = events.iter().map(|event| event.event.as_str()).collect();
    assert_eq!(names, ["before", "processing_complete", "after"]);
    assert_eq!(events[1].id, "00000007-2");
    assert_eq!(events[2].id, "00000007-3");
    events[1].clone()
}

#[test]
fn form() {
    let id = Some(Cursor {
        generation: 0xAB,
        seq: 12,
    });
    assert_eq!(
        encode_sse(id, "snapshot", "{\"a\":1}"),
        "id: 000000ab-12\nevent: snapshot\ndata: {\"a\":1}\n\n"
    );
    assert_eq!(encode_sse(None, "reset", ""), "event: reset\ndata: \n\n");
    assert_eq!(
        encode_sse(None, "x", "a\r\nb\rc\nd"),
        "event: x\ndata: a\ndata: b\ndata: c\ndata: d\n\n"
    );
    assert_eq!(encode_sse_retry(1_500), "retry: 1500\n\n");
}

#[test]
fn comments_and_retry_are_not_events() {
    let stream = format!("{SSE_HEARTBEAT}{}{SSE_HEARTBEAT}", encode_sse_retry(2_000));
    assert!(read(&stream, 7).is_empty());
    let stream = format!("{}{}", encode_sse_retry(2_000), encode_sse(None, "x", "1"));
    assert_eq!(read(&stream, 3)[0].data, "1");
}

#[test]
fn unusual_payloads_round_trip() {
    let long = "x".repeat(1 << 20);
    let texts = [
        "",
        " ",
        " leading",
        "trailing ",
        ":",
        ": comment",
        "data: x",
        "id: 9",
        "event: x",
        "\u{0}",
        "a\u{0}b",
        "\u{FEFF}",
        "\u{FEFF}bom",
        "a\u{2028}b\u{2029}c\u{85}d",
        "\t",
        "😀",
        &long,
    ];
    for text in texts {
        let event = read_back(text, 8_192);
        assert!(event.data == text, "{:?}", text.get(..text.len().min(20)));
    }
}

#[test]
fn line_ends_cannot_end_an_event() {
    for text in [
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\r\r",
        "\r\n\r\n",
        "a\n\nevent: forged\ndata: x\n\n",
        "a\rid: 9\r\rb",
    ] {
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        assert_eq!(read_back(text, 4).data, lines, "{text:?}");
    }
}

proptest! {
    #[test]
    fn every_json_payload_round_trips(
        text in "(\\PC|[\r\n\0\u{FEFF}\u{2028}: ]){0,60}",
        piece in 1_usize..40,
    ) {
        let data = json!({ "filename": text }).to_string();
        let event = read_back(&data, piece);
        prop_assert_eq!(&event.data, &data);
        let value: serde_json::Value = serde_json::from_str(&event.data).unwrap();
        prop_assert_eq!(value["filename"].as_str(), Some(text.as_str()));
    }

    #[test]
    fn every_text_round_trips_except_for_its_line_ends(
        text in "(\\PC|[\r\n\0\u{FEFF}\u{2028}: ]){0,60}",
        piece in 1_usize..40,
    ) {
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        prop_assert_eq!(read_back(&text, piece).data, lines);
    }

    #[test]
    fn cursors_round_trip(generation: u32, seq: u64) {
        let cursor = Cursor { generation, seq };
        let text = cursor.to_string();
        prop_assert_eq!(text.parse(), Ok(cursor));
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        prop_assert!(text.bytes().all(safe));
    }

    #[test]
    fn a_parsed_cursor_formats_to_the_same_text(text in "[0-9a-fA-F+]{7,9}-[0-9+]{1,21}|\\PC*") {
        if let Ok(cursor) = text.parse::<Cursor>() {
            prop_assert_eq!(cursor.to_string(), text);
        }
    }
}

#[test]
fn other_texts_are_not_cursors() {
    let bad = [
        "",
        "-",
        "1",
        "12",
        "0000000a",
        "0000000a-",
        "-1",
        "a-1",
        "0000000A-1",
        "0000000a-01",
        "0000000a-+1",
        "0000000a--1",
        "0000000a-1 ",
        " 0000000a-1",
        "0000000a-18446744073709551616",
        "10000000a-1",
        "+000000a-1",
        "0000000a-1-1",
    ];
    for text in bad {
        assert_eq!(text.parse::<Cursor>(), Err(CursorInvalid), "{text:?}");
    }
    assert!("0000000a-18446744073709551615".parse::<Cursor>().is_ok());
}

#[test]
fn event_types_with_a_meaning_for_the_hub() {
    let having = |is: fn(EventType) -> bool| -> Vec<&str> {
        EventType::ALL
            .iter()
            .filter(|&&event| is(event))
            .map(|event| event.as_str())
            .collect()
    };
    assert_eq!(having(EventType::is_progress), ["processing_progress"]);
    assert_eq!(
        having(EventType::ends_job),
        [
            "processing_complete",
            "processing_failed",
            "asset_deleted",
            "job_cancelled"
        ]
    );
    for &event in EventType::ALL {
        assert_eq!(event.as_str().parse(), Ok(event));
        assert_eq!(serde_json::to_value(event).unwrap(), event.to_string());
    }
    assert!("Snapshot".parse::<EventType>().is_err());
}

#[test]
fn an_event_is_one_line_of_json() {
    let event = Event {
        seq: Some(12),
        event_type: EventType::ProcessingProgress,
        event_id: EventId::new(NOW, 1),
        time: NOW,
        tenant: "acme".to_owned(),
        asset_id: AssetId::new(NOW, 2),
        job_id: JobId::new(NOW, 3),
        attempt: Some(1),
        progress: Some(Progress {
            ratio: None,
            stage: "decode\nand more".to_owned(),
            rendition: None,
            ..Progress::default()
        }),
        result: None,
        error: None,
    };
    let text = serde_json::to_string(&event).unwrap();
    insta::assert_snapshot!(text, @r#"{"seq":12,"type":"processing_progress","event_id":"evt_01KDVDNA000000000000000001","time":"2026-01-01T00:00:00.000Z","tenant":"acme","asset_id":"ast_01KDVDNA000000000000000002","job_id":"job_01KDVDNA000000000000000003","attempt":1,"progress":{"ratio":null,"stage":"decode\nand more","rendition":null}}"#);
    assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    assert_eq!(read_back(&text, 16).data, text);
}
