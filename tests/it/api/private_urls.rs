//! URLs of private files: each says when it expires, and the caller can choose.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use image::ImageFormat;
use serde_json::{Value, json};
use shared::time::Timestamp;
use tests::{Client, Created, shared as shared_stack};

use crate::images::made;

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.expect("a time after 1970").as_millis();
    Timestamp::from_ms(u64::try_from(ms).expect("a time of this millennium"))
}

/// How long the URLs of a document are valid, in seconds.
pub(crate) fn left_s(document: &Value) -> u64 {
    let expires_at: Timestamp = document["expires_at"]
        .as_str()
        .unwrap_or_else(|| panic!("no expires_at in {document}"))
        .parse()
        .expect("a time");
    expires_at.ms_since(now()) / 1_000
}

/// A ready image, and its outputs as the event has them.
async fn ready(client: &Client, visibility: &str) -> (Created, Value) {
    let mut events = client.events("", None).await;
    events.first("snapshot").await;
    let document =
        json!({"filename": "a.png", "content_type": "image/png", "visibility": visibility});
    let photo = made(40, 30, ImageFormat::Png);
    let created = client.upload_with(&document, photo.bytes).await;
    let complete = events
        .next_of("processing_complete", &created.asset_id)
        .await;
    (created, complete.data["result"]["outputs"].clone())
}

/// Checks that every output of a list is valid for a time within these bounds, in seconds, and that its token says the same.
fn check(outputs: &Value, (min_s, max_s): (u64, u64)) {
    let outputs = outputs.as_array().unwrap();
    assert!(!outputs.is_empty());
    for output in outputs {
        let left_s = left_s(output);
        assert!((min_s..=max_s).contains(&left_s), "{left_s} s: {output}");
        let url = output["url"].as_str().unwrap();
        let token = url.split_once("/stream/").unwrap().1;
        let expires: u64 = token.split('.').nth(1).unwrap().parse().unwrap();
        let expires_at = Timestamp::from_ms(expires * 1_000).to_string();
        assert_eq!(output["expires_at"], expires_at.as_str());
    }
}

const HOUR_S: u64 = 3_600;
/// 12 hours, rounded up to the next full hour.
const BY_DEFAULT: (u64, u64) = (12 * HOUR_S - 60, 13 * HOUR_S);

#[tokio::test(flavor = "multi_thread")]
async fn a_private_url_says_when_it_expires_and_the_caller_chooses() {
    let stack = shared_stack();
    let alice = stack.caller("private-urls", "alice", "user");
    let (created, of_event) = ready(&alice, "private").await;
    check(&of_event, BY_DEFAULT);
    let (asset, list) = (format!("/v1/assets/{}", created.asset_id), "/v1/assets");
    let playback = format!("{asset}/playback");
    for (query, bounds) in [
        ("", BY_DEFAULT),
        ("?expires_in=60", (30, 60)),
        ("?expires_in=86400", (24 * HOUR_S - 60, 24 * HOUR_S)),
        ("?expires_in=604800", (168 * HOUR_S - 60, 168 * HOUR_S)),
    ] {
        let get = async |path: &str| alice.get(&format!("{path}{query}")).await.expect(200);
        check(&get(&asset).await["outputs"], bounds);
        check(&get(list).await["items"][0]["outputs"], bounds);
        let shown = get(&playback).await;
        check(&shown["outputs"], bounds);
        assert_eq!(shown["expires_at"], shown["outputs"][0]["expires_at"]);
    }
    for value in [
        "59",
        "604801",
        "0",
        "-60",
        "1e3",
        "60.5",
        "12h",
        "99999999999",
    ] {
        for path in [&asset, list, &playback] {
            let answer = alice.get(&format!("{path}?expires_in={value}")).await;
            answer.expect_problem(400, "query_invalid");
            let detail = answer.json()["detail"].to_string();
            assert!(
                detail.contains("60") && detail.contains("604800"),
                "{detail}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_url_does_not_expire() {
    let stack = shared_stack();
    let alice = stack.caller("private-urls", "public", "user");
    let (created, of_event) = ready(&alice, "public").await;
    assert_eq!(of_event[0]["expires_at"], Value::Null);
    let path = format!("/v1/assets/{}", created.asset_id);
    for query in ["", "?expires_in=60"] {
        let asset = alice.get(&format!("{path}{query}")).await.expect(200);
        assert_eq!(asset["outputs"][0]["expires_at"], Value::Null);
        assert_eq!(asset["outputs"][0]["url"], of_event[0]["url"]);
        let shown = alice.get(&format!("{path}/playback{query}")).await;
        assert_eq!(shown.expect(200)["expires_at"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_url_ends_in_the_second_that_it_names() {
    let stack = shared_stack();
    let alice = stack.caller("private-urls", "ends", "user");
    let (created, _) = ready(&alice, "private").await;
    let path = format!("/v1/assets/{}?expires_in=60", created.asset_id);
    let asset = alice.get(&path).await.expect(200);
    let output = &asset["outputs"][0];
    let expires_at: Timestamp = output["expires_at"].as_str().unwrap().parse().unwrap();
    let url = output["url"].as_str().unwrap();
    let nobody = alice.without_token();
    loop {
        let asked = now();
        let answer = nobody.fetch(url).await;
        let answered = now();
        if answer.status == 404 {
            answer.expect_problem(404, "not_found");
            assert!(
                answered >= expires_at,
                "it ended at {answered}, not {expires_at}"
            );
            return;
        }
        assert_eq!(answer.status, 200);
        assert!(
            asked < expires_at,
            "it still opens at {asked}, after {expires_at}"
        );
        // A browser does not keep the file for longer than the URL is valid.
        let kept_s = answer
            .header("cache-control")
            .strip_prefix("private, max-age=");
        let kept_s: u64 = kept_s.unwrap().parse().unwrap();
        assert!(kept_s <= expires_at.ms_since(asked) / 1_000, "{kept_s} s");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
