//! Confirming uploads: `complete`, fresh URLs, checksums, originals.

use futures_util::future::join_all;
use image::ImageFormat;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::{Client, Events, shared};

use crate::images::made;
use crate::log;

fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
    Sha256::digest(bytes)
        .iter()
        .flat_map(digits)
        .flatten()
        .collect()
}

async fn watch(client: &Client) -> Events {
    let mut events = client.events("", None).await;
    events.first("snapshot").await;
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_parallel_completes_create_one_job() {
    let stack = shared();
    let alice = stack.caller("complete", "eager", "user");
    let mut events = watch(&alice).await;
    let image = made(300, 200, ImageFormat::Png);
    let created = alice.create("a.png", "image/png", image.bytes.len()).await;
    let _ = alice.put(&created.upload, image.bytes).await.expect(200);
    for answer in join_all((0..20).map(|_| alice.complete(&created.asset_id))).await {
        let answer = answer.expect(202);
        assert_eq!(answer["job_id"], created.job_id.as_str());
    }
    events
        .next_of("processing_complete", &created.asset_id)
        .await;
    // The same afterwards, and without a body.
    let path = format!("/v1/assets/{}/complete", created.asset_id);
    let again = alice
        .send(reqwest::Method::POST, &path, None)
        .await
        .expect(202);
    assert_eq!(again["asset"]["state"], "ready");
    alice
        .post(&path, &json!({"parts": [{"part_number": 1, "etag": "x"}]}))
        .await
        .expect_problem(400, "request_invalid");
    // Only an empty body is no body.
    let json = [("content-type", "application/json")];
    alice
        .send_raw(reqwest::Method::POST, &path, &json, b" ".to_vec())
        .await
        .expect_problem(400, "json_invalid");
    for body in [json!({"x": 1}), json!([])] {
        alice
            .post(&path, &body)
            .await
            .expect_problem(400, "request_invalid");
    }

    // A later event of this user has arrived, so a second job of the first asset would have shown by now.
    let last = alice.create("last.png", "image/png", 10).await;
    events.next_of("upload_started", &last.asset_id).await;
    assert_eq!(
        log::check_life(events.seen(), &created.asset_id, "processing_complete"),
        1
    );
    let jobs = alice.get("/v1/jobs").await.expect(200);
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_gets_fresh_urls_until_it_is_complete() {
    let stack = shared();
    let alice = stack.caller("complete", "renewer", "user");
    let mut events = watch(&alice).await;
    let image = made(30, 20, ImageFormat::Png);
    let created = alice.create("a.png", "image/png", image.bytes.len()).await;
    let renew = format!("/v1/assets/{}/upload", created.asset_id);
    let fresh = alice.post(&renew, &Value::Null).await.expect(200);
    let _ = alice
        .put(&fresh["upload"], image.bytes.clone())
        .await
        .expect(200);
    // Every URL is for the same object.
    assert_eq!(
        alice.put(&created.upload, image.bytes.clone()).await.status,
        412
    );
    let fresh = alice.post(&renew, &Value::Null).await.expect(200);
    assert_eq!(alice.put(&fresh["upload"], image.bytes).await.status, 412);
    let _ = alice.complete(&created.asset_id).await.expect(202);
    alice
        .post(&renew, &Value::Null)
        .await
        .expect_problem(409, "upload_closed");
    events
        .next_of("processing_complete", &created.asset_id)
        .await;
    alice
        .post(&renew, &Value::Null)
        .await
        .expect_problem(409, "upload_closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_checksum_is_checked() {
    let stack = shared();
    let alice = stack.caller("complete", "careful", "user");
    let mut events = watch(&alice).await;
    let bytes = made(300, 200, ImageFormat::Png).bytes;
    let document = |sha256: String| json!({"filename": "a.png", "content_type": "image/png", "sha256": sha256});
    let right = alice
        .upload_with(&document(hex(&bytes)), bytes.clone())
        .await;
    let wrong = alice
        .upload_with(&document(hex(b"another file")), bytes.clone())
        .await;

    events
        .all_of(&["processing_complete"], &[&right.asset_id])
        .await;
    let asset = alice.asset(&right.asset_id).await.expect(200);
    assert_eq!(asset["sha256"], hex(&bytes));

    events
        .all_of(&["processing_failed"], &[&wrong.asset_id])
        .await;
    let asset = alice.asset(&wrong.asset_id).await.expect(200);
    assert_eq!(asset["error"]["code"], "upload_checksum_mismatch");
    assert_eq!(asset["outputs"], json!([]));
    let job = alice.job(&wrong.job_id).await.expect(200);
    assert_eq!(
        (&job["state"], &job["attempt"]),
        (&"failed".into(), &1.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_original_comes_back_as_an_attachment() {
    let stack = shared();
    let alice = stack.caller("complete", "archivist", "user");
    let image = made(30, 20, ImageFormat::Png);
    let name = "Ünïcode \"名前\" 🎞.png";
    let created = alice.create(name, "image/png", image.bytes.len()).await;
    let path = format!("/v1/assets/{}/original", created.asset_id);
    alice.get(&path).await.expect_problem(409, "upload_missing");
    let _ = alice
        .put(&created.upload, image.bytes.clone())
        .await
        .expect(200);
    let _ = alice.complete(&created.asset_id).await.expect(202);

    let redirect = alice.get(&path).await;
    assert_eq!(redirect.status, 302);
    assert_eq!(redirect.header("cache-control"), "no-store");
    let location = redirect.header("location").to_owned();
    assert!(location.contains("X-Amz-Expires=3600"), "{location}");
    let original = alice.fetch(&location).await;
    assert_eq!((original.status, &original.body), (200, &image.bytes));
    // The filename is in the signed URL; the local bucket does not turn it into a header.
    let encoded = "filename%2A%3DUTF-8%27%27%25C3%259Cn%25C3%25AFcode%2520%2522%25E5%2590%258D%25E5%2589%258D%2522%2520%25F0%259F%258E%259E.png";
    let disposition = location.split_once("response-content-disposition=");
    let disposition = disposition.unwrap().1.split('&').next().unwrap();
    assert!(disposition.starts_with("attachment%3B%20"), "{disposition}");
    assert!(disposition.ends_with(encoded), "{disposition}");

    let redirect = alice.head(&path).await;
    assert_eq!(redirect.status, 302);
    let for_head = redirect.header("location").to_owned();
    let headers = alice
        .fetch_with(reqwest::Method::HEAD, &for_head, &[], Vec::new())
        .await;
    assert_eq!(headers.status, 200, "{for_head}");
    let length = image.bytes.len().to_string();
    assert_eq!(headers.header("content-length"), length);

    // Each URL is valid for this object and for its method alone.
    let answer = alice.fetch(&for_head).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    for misuse in [
        location.replace("originals", "m"),
        location.replace("attachment", "inline"),
        location.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
    ] {
        let answer = alice.fetch(&misuse).await;
        assert!(
            (400..500).contains(&answer.status),
            "{misuse}: {}",
            answer.status
        );
    }
    let deleted = alice
        .fetch_with(reqwest::Method::DELETE, &location, &[], Vec::new())
        .await;
    assert!((400..500).contains(&deleted.status), "{}", deleted.status);
    assert_eq!(alice.fetch(&location).await.status, 200);
}
