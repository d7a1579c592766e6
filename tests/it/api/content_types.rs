//! A client declares a type as browsers name it: with aliases and parameters. The upload is signed for what it declared, and the asset
//! has the canonical type.

use image::ImageFormat;
use serde_json::json;
use tests::{Client, shared};

use crate::images::made;

/// Uploads an image by each of its URLs' headers, after `renewals` new URLs; returns the asset.
async fn upload(client: &Client, declared: &str, renewals: usize) -> serde_json::Value {
    let photo = made(30, 20, ImageFormat::Jpeg);
    let mut events = client.events("", None).await;
    let created = client
        .create("photo.jpg", declared, photo.bytes.len())
        .await;
    let mut upload = created.upload.clone();
    for _ in 0..renewals {
        let path = format!("/v1/assets/{}/upload", created.asset_id);
        upload = client.post(&path, &json!({})).await.expect(200)["upload"].clone();
    }
    assert_eq!(upload["headers"]["content-type"], declared);
    let put = client.put(&upload, photo.bytes).await;
    assert_eq!(put.status, 200, "{declared}: {}", put.text());
    let path = format!("/v1/assets/{}/complete", created.asset_id);
    let _ = client.post(&path, &json!({})).await.expect(202);
    events
        .next_of("processing_complete", &created.asset_id)
        .await;
    client.asset(&created.asset_id).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_and_parameters_are_signed_as_declared() {
    let stack = shared();
    let alice = stack.caller("content-types", "alice", "user");
    for (declared, renewals) in [
        ("image/jpeg", 0),
        ("image/jpg", 0),
        ("image/pjpeg", 1),
        ("IMAGE/JPEG", 1),
        ("Image/JPG; q=1", 0),
        ("image/jpeg;", 0),
        ("image/jpeg;a=\"b, c\";d=e,f", 2),
    ] {
        let asset = upload(&alice, declared, renewals).await;
        assert_eq!(asset["content_type"], "image/jpeg", "{declared}");
        assert_eq!(asset["state"], "ready", "{declared}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recordings_of_browsers_are_stored_under_the_type_that_they_have_there() {
    let stack = shared();
    let alice = stack.caller("content-types", "recorder", "user");
    for (declared, canonical) in [
        ("video/webm;codecs=vp9,opus", "video/webm"),
        ("video/webm;codecs=\"vp9,opus\"", "video/webm"),
        ("video/mp4; codecs=\"avc1.42E01E, mp4a.40.2\"", "video/mp4"),
        ("video/vnd.avi", "video/x-msvideo"),
        ("audio/matroska", "audio/x-matroska"),
        ("audio/x-matroska", "audio/x-matroska"),
        ("audio/webm;codecs=opus", "audio/webm"),
        ("video/x-m4v", "video/x-m4v"),
    ] {
        let bytes = b"only stored here".to_vec();
        let created = alice.create("a", declared, bytes.len()).await;
        let asset = alice.asset(&created.asset_id).await.expect(200);
        assert_eq!(asset["content_type"], canonical, "{declared}");
        assert_eq!(created.upload["headers"]["content-type"], declared);
        let put = alice.put(&created.upload, bytes).await;
        assert_eq!(put.status, 200, "{declared}: {}", put.text());
    }
    let created = alice.create("a", "video/webm;codecs=vp9", 4).await;
    let mut other = created.upload.clone();
    other["headers"]["content-type"] = "video/webm".into();
    let put = alice.put(&other, b"clip".to_vec()).await;
    assert_eq!(put.status, 403, "{}", put.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_signed_or_would_be_shown_as_a_page_is_rejected() {
    let stack = shared();
    let alice = stack.caller("content-types", "attacker", "user");
    let too_long = format!("image/jpeg;a={}", "x".repeat(243));
    for declared in [
        too_long.as_str(),
        "video/mp4;x=a,text/html",
        "video/mp4, text/html",
        "image/jpeg;a=\"b\r\nx: y\"",
        "image/jpeg;a=é",
        "text/html;a=image/jpeg",
    ] {
        let body = json!({"filename": "a", "content_type": declared, "size_bytes": 1});
        let answer = alice.post("/v1/assets", &body).await;
        answer.expect_problem(400, "media_type_unsupported");
    }
}
