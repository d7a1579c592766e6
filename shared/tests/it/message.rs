//! The queue message, and other texts that may be in a queue.

use proptest::prelude::*;
use shared::id::JobId;
use shared::kind::RunsOn;
use shared::message::{Message, VERSION};
use shared::time::Timestamp;

const TEXT: &str = r#"{"v":1,"job_id":"job_01ARYZ6S410000000000000000","runs_on":"edge"}"#;

#[test]
fn form() {
    let message = Message::new(
        JobId::new(Timestamp::from_ms(1_469_918_176_385), 0),
        RunsOn::Edge,
    );
    assert_eq!(message.encode(), TEXT);
    assert_eq!(message.v, VERSION);
    assert_eq!(serde_json::to_string(&message).unwrap(), TEXT);
}

#[test]
fn a_message_without_a_place_is_for_the_edge() {
    let old = r#"{"v":1,"job_id":"job_01ARYZ6S410000000000000000"}"#;
    assert_eq!(Message::decode(old), Message::decode(TEXT));
}

#[test]
fn arbitrary_texts_are_not_messages() {
    let bad = [
        "",
        "{}",
        "null",
        "[]",
        "job_01ARYZ6S410000000000000000",
        r#""job_01ARYZ6S410000000000000000""#,
        r#"{"v":1}"#,
        r#"{"v":1,"job_id":"ast_01ARYZ6S410000000000000000"}"#,
        r#"{"v":1,"job_id":"job_01aryz6s410000000000000000"}"#,
        r#"{"v":0,"job_id":"job_01ARYZ6S410000000000000000"}"#,
        r#"{"v":2,"job_id":"job_01ARYZ6S410000000000000000"}"#,
        r#"{"v":"1","job_id":"job_01ARYZ6S410000000000000000"}"#,
        r#"{"job_id":"job_01ARYZ6S410000000000000000"}"#,
        r#"{"v":1,"job_id":"job_01ARYZ6S410000000000000000"}{}"#,
        r#"{"v":1,"job_id":"job_01ARYZ6S410000000000000000","runs_on":"moon"}"#,
        r#"{"v":1,"job_id":"job_01ARYZ6S410000000000000000","runs_in":"edge"}"#,
        // R2's event notification for a new object.
        r#"{"account":"a","action":"PutObject","bucket":"raw","object":{"key":"originals/x","size":1,"eTag":"e"},"eventTime":"2026-01-01T00:00:00.000Z"}"#,
    ];
    for text in bad {
        assert_eq!(Message::decode(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn messages_round_trip(ms in 0..253_402_207_200_999_u64, random: u128, place in 0..RunsOn::ALL.len()) {
        let message = Message::new(JobId::new(Timestamp::from_ms(ms), random), RunsOn::ALL[place]);
        prop_assert_eq!(Message::decode(&message.encode()), Some(message));
    }

    #[test]
    fn a_changed_byte_is_a_different_message_or_none(index in 0..TEXT.len(), byte in 0_u8..128) {
        let mut bytes = TEXT.as_bytes().to_vec();
        prop_assume!(bytes[index] != byte);
        bytes[index] = byte;
        let text = String::from_utf8(bytes).unwrap();
        prop_assert_ne!(Message::decode(&text), Message::decode(TEXT));
    }
}
