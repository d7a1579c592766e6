//! Settings of an operator.

use image::ImageFormat;
use reqwest::Method;
use tests::{Options, Stack};

use crate::images::made;

#[tokio::test(flavor = "multi_thread")]
async fn settings_take_effect() {
    let options = Options::new()
        .var("CORS_ORIGINS", "https://one.example, https://two.example")
        .var("SIZE_LIMITS", r#"{"*": {"image": 100000}}"#)
        .var("PIXELS_MAX", "10000")
        .var("PRIVATE_URL_TTL_S", "600")
        .var("CDN_BASE_URL", "https://cdn.example/base/");
    let stack = Stack::start(options);
    let alice = stack.client("alice");
    let mut events = alice.events("", None).await;

    for (origin, allowed) in [
        ("https://one.example", "https://one.example"),
        ("https://two.example", "https://two.example"),
        ("https://three.example", ""),
        ("https://one.example.evil.example", ""),
        ("null", ""),
    ] {
        for method in [Method::GET, Method::OPTIONS] {
            let answer = alice
                .send_raw(method, "/v1/assets", &[("origin", origin)], Vec::new())
                .await;
            assert_eq!(answer.header("access-control-allow-origin"), allowed);
            assert!(answer.header("vary").to_lowercase().contains("origin"));
        }
    }

    let _ = alice.create("a.png", "image/png", 100_000).await;
    let body = serde_json::json!({"filename": "a.png", "content_type": "image/png", "size_bytes": 100_001});
    let answer = alice.post("/v1/assets", &body).await;
    answer.expect_problem(400, "file_too_large");
    assert_eq!(
        answer.json()["detail"],
        "size_bytes is 100001; the limit for files of kind image is 100000 bytes."
    );

    let fits = made(100, 100, ImageFormat::Png).upload(&alice).await;
    let large = made(101, 100, ImageFormat::Png).upload(&alice).await;
    let complete = events.next_of("processing_complete", &fits.asset_id).await;
    for output in complete.data["result"]["outputs"].as_array().unwrap() {
        let url = output["url"].as_str().unwrap();
        let start = format!("https://cdn.example/base/m/{}/", fits.asset_id);
        assert!(url.starts_with(&start), "{url}");
    }
    let failed = events.next_of("processing_failed", &large.asset_id).await;
    assert_eq!(failed.data["error"]["code"], "image_too_large");

    let document = serde_json::json!({"filename": "a.png", "content_type": "image/png", "visibility": "private"});
    let photo = made(100, 100, ImageFormat::Png);
    let private = alice.upload_with(&document, photo.bytes).await;
    let complete = events
        .next_of("processing_complete", &private.asset_id)
        .await;
    let output = &complete.data["result"]["outputs"][0];
    let left_s = crate::api::private_urls::left_s(output);
    assert!((590..=650).contains(&left_s), "{left_s} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_native_workers_their_media_types_are_rejected() {
    let options = Options::new()
        .var("NATIVE_WORKERS", "off")
        .var("IMAGE_MEMORY_MAX_BYTES", "16000000");
    let stack = Stack::start(options);
    let alice = stack.client("alice");
    let mut events = alice.events("", None).await;
    let small = made(40, 30, ImageFormat::Png).upload(&alice).await;
    events.next_of("processing_complete", &small.asset_id).await;
    let heavy = made(3_000, 2_000, ImageFormat::WebP).upload(&alice).await;
    let failed = events.next_of("processing_failed", &heavy.asset_id).await;
    assert_eq!(failed.data["error"]["code"], "image_memory_exceeded");
    let kinds = alice.get("/v1/limits").await.expect(200)["kinds"].clone();
    assert_eq!(
        kinds["image"]["types"],
        serde_json::json!(["image/jpeg", "image/png", "image/webp", "image/gif"])
    );
    let nothing = serde_json::json!({"types": [], "max_bytes": 0});
    assert_eq!((&kinds["video"], &kinds["audio"]), (&nothing, &nothing));
    for content_type in ["video/mp4", "audio/mpeg", "image/avif"] {
        let body =
            serde_json::json!({"filename": "a", "content_type": content_type, "size_bytes": 10});
        alice
            .post("/v1/assets", &body)
            .await
            .expect_problem(400, "media_type_unsupported");
    }
}
