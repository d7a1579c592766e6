//! Images that the edge hands over to native workers, and files that are not video.

use image::ImageFormat;
use serde_json::{Value, json};

use super::turn::{mp4, output, turn};
use crate::images::made;

#[tokio::test(flavor = "multi_thread")]
async fn an_image_too_large_for_the_edge_goes_to_a_native_worker() {
    let turn = turn().await;
    let worker = turn.worker("w-big");
    let (alice, mut events) = turn.user("worker-handover", "big").await;
    let big = made(3_000, 2_000, ImageFormat::WebP).upload(&alice).await;
    let claim = worker.claim(&big).await;
    let document = &claim.document;
    assert_eq!(
        (&document["attempt"], &document["job"]["kind"]),
        (&2.into(), &"process_image".into())
    );
    let first = &document["job"]["attempts"][0];
    assert_eq!(first["error"]["code"], "image_memory_exceeded", "{first}");
    assert_eq!(document["work"]["kind"], "image");
    let variants = document["work"]["plan"]["variants"].as_array().unwrap();
    assert_eq!(variants.len(), 8);

    // The handover does not count as a failure: all retries remain.
    let failure = json!({"code": "worker_exhausted", "detail": "No memory.", "class": "retryable"});
    let mut claim = claim;
    for attempt in 2..=4 {
        let job = worker.verb(&claim, "fail", &failure).await.expect(200);
        assert_eq!(job["state"], "queued", "attempt {attempt}");
        claim = worker.claim(&big).await;
    }
    worker
        .store(&claim, "large.webp", b"the image", "image/webp")
        .await;
    let result = json!({"outputs": [output("large", "large.webp", "image/webp", 9)], "width": 3_000, "height": 2_000});
    let _ = worker
        .verb(&claim, "finish", &json!({"made": result}))
        .await
        .expect(200);
    let complete = events.next_of("processing_complete", &big.asset_id).await;
    assert_eq!(
        (
            &complete.data["result"]["width"],
            &complete.data["result"]["duration_ms"]
        ),
        (&3_000.into(), &Value::Null)
    );

    // An image within the edge's memory cannot be claimed by a native worker.
    let small = made(40, 30, ImageFormat::Png).upload(&alice).await;
    worker
        .try_claim(&small)
        .await
        .expect_problem(409, "job_busy");
    events.next_of("processing_complete", &small.asset_id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn types_that_the_edge_does_not_support_go_to_native_workers() {
    let turn = turn().await;
    let worker = turn.worker("w-types");
    let (alice, _events) = turn.user("worker-handover", "types").await;
    let files: [(&str, &[u8], &str, &str); 6] = [
        (
            "image/avif",
            b"\0\0\0\x1CftypavifAAAAmif1miaf",
            "image/avif",
            "process_image",
        ),
        (
            "image/heif",
            b"\0\0\0\x18ftypmif1AAAAheic",
            "image/heic",
            "process_image",
        ),
        (
            "image/tiff",
            b"II*\0\x08\0\0\0",
            "image/tiff",
            "process_image",
        ),
        (
            "audio/x-wav",
            b"RIFF\x24\0\0\0WAVEfmt ",
            "audio/wav",
            "process_audio",
        ),
        (
            "video/quicktime",
            b"\0\0\0\x08wide\0\0\0\0mdat",
            "video/quicktime",
            "process_video",
        ),
        (
            "video/x-matroska",
            b"\x1A\x45\xDF\xA3\x87\x42\x82\x84webm",
            "video/x-matroska",
            "process_video",
        ),
    ];
    for (declared, file, content_type, kind) in files {
        let created = alice.upload("a file", declared, file.to_vec()).await;
        let claim = worker.claim(&created).await;
        let document = &claim.document;
        assert_eq!(
            (&document["attempt"], &document["job"]["kind"]),
            (&1.into(), &kind.into()),
            "{declared}"
        );
        assert_eq!(document["source"]["content_type"], content_type);
        let _ = worker.finish_with_poster(&claim).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_video_are_rejected_and_removed() {
    let turn = turn().await;
    let (alice, _events) = turn.user("worker-handover", "disguised").await;
    let raw = turn.stack.raw_bucket();
    let files: [&[u8]; 8] = [
        b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:1/secret\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"<?xml version=\"1.0\"?><MPD><BaseURL>http://127.0.0.1:1/</BaseURL></MPD>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04 a package",
        b"just a text that goes on for a while",
        b"\0\0\0\x1CftypavifAAAAmif1miaf",
        b"\x1A\x45\xDF\xA3\x87\x42\x82\x84webm",
    ];
    for file in files {
        let created = alice.create("clip.mp4", "video/mp4", file.len()).await;
        let _ = alice.put(&created.upload, file.to_vec()).await.expect(200);
        alice
            .complete(&created.asset_id)
            .await
            .expect_problem(409, "upload_type_mismatch");
        let key = format!("originals/{}", created.asset_id);
        assert!(raw.keys(&key).await.is_empty());
        let path = format!("/v1/assets/{}/playback", created.asset_id);
        assert_eq!(
            alice.get(&path).await.expect(200)["original_url"],
            Value::Null
        );
        let path = format!("/v1/assets/{}/original", created.asset_id);
        alice
            .without_token()
            .get(&path)
            .await
            .expect_problem(404, "not_found");
    }
    // A video is not an image.
    let created = alice.create("a.png", "image/png", mp4().len()).await;
    let _ = alice.put(&created.upload, mp4()).await.expect(200);
    alice
        .complete(&created.asset_id)
        .await
        .expect_problem(409, "upload_type_mismatch");
}
