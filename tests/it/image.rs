//! A photo from the camera to the page.

use tests::{Options, Stack, fixture};

/// Every default variant, and the largest size it may have.
const VARIANTS: [(&str, u64, u64); 4] = [
    ("thumbnail", 150, 150),
    ("medium", 600, 600),
    ("large", 1200, 1200),
    ("preview", 320, 240),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_becomes_variants_that_anyone_can_download() {
    let stack = Stack::start(Options::new());
    let alice = stack.client("alice");
    let mut events = alice.events("", None).await;
    let _ = events
        .next_matching("the snapshot", |event| event.name == "snapshot")
        .await;

    let created = alice
        .upload("photo.jpg", "image/jpeg", fixture("photo.jpg"))
        .await;
    let complete = events
        .next_of("processing_complete", &created.asset_id)
        .await;
    assert_eq!(complete.data["job_id"], created.job_id.as_str());

    let asset = alice.asset(&created.asset_id).await.expect(200);
    assert_eq!(asset["state"], "ready");
    assert_eq!(asset["outputs"], complete.data["result"]["outputs"]);
    for (name, width_max, height_max) in VARIANTS {
        let outputs = asset["outputs"].as_array().unwrap();
        let output = outputs
            .iter()
            .find(|output| output["name"] == name)
            .unwrap();
        assert!(output["width"].as_u64().unwrap() <= width_max, "{output}");
        assert!(output["height"].as_u64().unwrap() <= height_max, "{output}");
        let file = alice.fetch(output["url"].as_str().unwrap()).await;
        assert_eq!(file.status, 200, "{}", file.text());
        assert_eq!(file.header("content-type"), "image/webp");
        assert_eq!(
            u64::try_from(file.body.len()).ok(),
            output["size_bytes"].as_u64()
        );
        assert_eq!(file.body.get(8..12), Some(b"WEBP".as_slice()));
    }
}
