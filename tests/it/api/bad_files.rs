//! Files whose content does not match their type, and damaged files.

use image::ImageFormat;
use serde_json::Value;
use tests::{Client, Created, Events, Stack, root, shared};

use crate::images::{landscape, made};

async fn put(client: &Client, content_type: &str, body: &[u8]) -> Created {
    let created = client.create("photo.jpg", content_type, body.len()).await;
    let _ = client.put(&created.upload, body.to_vec()).await.expect(200);
    created
}

async fn is_gone(stack: &Stack, created: &Created) -> bool {
    let key = format!("originals/{}", created.asset_id);
    stack.raw_bucket().keys(&key).await.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_type_is_rejected_and_removed() {
    let stack = shared();
    let alice = stack.caller("bad-files", "refused", "user");
    let mut events = alice.events("", None).await;
    let png = made(20, 20, ImageFormat::Png).bytes;
    let html = b"<!DOCTYPE html><script>alert(1)</script>";
    let svg = br#"<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>"#;
    let files: [(&str, &[u8]); 12] = [
        ("image/jpeg", b"just a text"),
        ("image/jpeg", html),
        ("image/png", svg),
        ("image/jpeg", b"PK\x03\x04 zip or package"),
        ("image/jpeg", &png),
        ("image/webp", &png),
        ("image/gif", b"GIF88a......"),
        ("image/webp", b"RIFF\x10\0\0\0WAVEfmt "),
        ("image/png", b"\x89PNG"),
        ("image/png", &[0; 100]),
        ("image/jpeg", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("image/jpeg", b"x"),
    ];
    for (content_type, file) in files {
        let created = put(&alice, content_type, file).await;
        alice
            .complete(&created.asset_id)
            .await
            .expect_problem(409, "upload_type_mismatch");
        let failed = events.next_of("upload_failed", &created.asset_id).await;
        assert_eq!(failed.data["error"]["code"], "upload_type_mismatch");
        assert!(is_gone(&stack, &created).await);
        // The rejection is final, and the job has failed without an attempt.
        alice
            .complete(&created.asset_id)
            .await
            .expect_problem(409, "upload_type_mismatch");
        alice
            .post(
                &format!("/v1/assets/{}/upload", created.asset_id),
                &Value::Null,
            )
            .await
            .expect_problem(409, "upload_closed");
        alice
            .get(&format!("/v1/assets/{}/original", created.asset_id))
            .await
            .expect_problem(409, "upload_missing");
        let job = alice.job(&created.job_id).await.expect(200);
        assert_eq!(
            (&job["state"], &job["attempt"]),
            (&"failed".into(), &0.into())
        );
        let asset = alice.asset(&created.asset_id).await.expect(200);
        assert_eq!(
            (&asset["state"], &asset["error"]["code"]),
            (&"failed".into(), &"upload_type_mismatch".into())
        );
        assert_eq!(
            events.names_of(&created.asset_id),
            ["upload_started", "upload_failed"]
        );
    }
}

fn crc(png: &mut [u8], chunk_at: usize, length: usize) {
    let (from, to) = (chunk_at + 4, chunk_at + 8 + length);
    let crc = crc32fast::hash(&png[from..to]);
    png[to..to + 4].copy_from_slice(&crc.to_be_bytes());
}

/// A small PNG with other dimensions in its header; the header's checksum is correct.
fn png_claiming(width: u32, height: u32) -> Vec<u8> {
    let mut png = made(8, 8, ImageFormat::Png).bytes;
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    crc(&mut png, 8, 13);
    png
}

/// A small JPEG with other dimensions in its frame header.
fn jpeg_claiming(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = made(8, 8, ImageFormat::Jpeg).bytes;
    let frame = jpeg
        .windows(2)
        .position(|marker| [[0xFF, 0xC0], [0xFF, 0xC2]].contains(&[marker[0], marker[1]]))
        .unwrap();
    jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    jpeg
}

fn pngsuite(name: &str) -> Vec<u8> {
    fixture(&format!("pngsuite/{name}"))
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(root().join("imaging/tests/fixtures").join(name)).unwrap()
}

fn half(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() / 2);
    bytes
}

const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";

/// Description, declared type, content.
type File = (&'static str, &'static str, Vec<u8>);

/// Files with a valid start, grouped by the error code that is expected.
fn broken() -> [(&'static str, Vec<File>); 4] {
    let half_of = |format| half(made(400, 300, format).bytes);
    let noise = [&[0xFF, 0xD8, 0xFF, 0xE0][..], &[0x55; 3_000]].concat();
    let truncated = vec![
        ("half a photo", JPEG, half(landscape(1).bytes)),
        ("half a PNG", PNG, half_of(ImageFormat::Png)),
        ("half a WebP", "image/webp", half_of(ImageFormat::WebP)),
        ("half a GIF", "image/gif", half_of(ImageFormat::Gif)),
        ("three bytes of JPEG", JPEG, vec![0xFF, 0xD8, 0xFF]),
        ("a JPEG signature followed by noise", JPEG, noise),
        ("a GIF signature alone", "image/gif", b"GIF89a".to_vec()),
    ];
    let too_large = vec![
        ("a large PNG", PNG, png_claiming(17_000, 17_000)),
        ("a larger PNG", PNG, png_claiming(65_500, 65_500)),
        (
            "the largest PNG",
            PNG,
            png_claiming(0x7FFF_FFFF, 0x7FFF_FFFF),
        ),
        ("a large JPEG", JPEG, jpeg_claiming(17_000, 17_000)),
        ("a larger JPEG", JPEG, jpeg_claiming(65_500, 65_500)),
    ];
    let no_size = vec![
        ("a PNG of width 0", PNG, png_claiming(0, 10)),
        ("a PNG of height 0", PNG, png_claiming(10, 0)),
        ("a JPEG of width 0", JPEG, jpeg_claiming(0, 10)),
    ];
    let corrupt = vec![
        ("a wrong header checksum", PNG, pngsuite("xhdn0g08.png")),
        ("a depth of 99 bits", PNG, pngsuite("xd9n2c08.png")),
        ("no pixel data", PNG, pngsuite("xdtn0g01.png")),
    ];
    [
        ("image_truncated", truncated),
        ("image_too_large", too_large),
        ("image_dimensions_invalid", no_size),
        ("image_corrupt", corrupt),
    ]
}

async fn check_failed(
    client: &Client,
    events: &mut Events,
    what: &str,
    created: &Created,
    code: &str,
) {
    let ended = events
        .next_matching(what, |event| {
            event.asset_id() == created.asset_id
                && ["processing_failed", "processing_complete"].contains(&event.name.as_str())
        })
        .await;
    assert_eq!(ended.name, "processing_failed", "{what}");
    assert_eq!(
        ended.data["error"]["code"], code,
        "{what}: {}",
        ended.data["error"]
    );
    let job = client.job(&created.job_id).await.expect(200);
    assert_eq!(
        (&job["state"], &job["attempt"]),
        (&"failed".into(), &1.into()),
        "{what}: {job}"
    );
    let asset = client.asset(&created.asset_id).await.expect(200);
    assert_eq!(asset["state"], "failed");
    assert_eq!(asset["error"], ended.data["error"]);
    assert_eq!(asset["outputs"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_image_fails_with_its_code_without_retry() {
    let stack = shared();
    let alice = stack.caller("bad-files", "broken", "user");
    let mut events = alice.events("", None).await;
    let mut uploads = Vec::new();
    for (code, files) in broken() {
        for (what, content_type, file) in files {
            let created = put(&alice, content_type, &file).await;
            let _ = alice.complete(&created.asset_id).await.expect(202);
            uploads.push((what, created, code));
        }
    }
    let good = made(40, 30, ImageFormat::Png).upload(&alice).await;
    for (what, created, code) in &uploads {
        check_failed(&alice, &mut events, what, created, code).await;
    }
    events
        .all_of(&["processing_complete"], &[&good.asset_id])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_damage_suites_fail_with_a_code() {
    let stack = shared();
    let alice = stack.caller("bad-files", "damaged", "user");
    let mut events = alice.events("", None).await;
    // Names as in PngSuite: first wrong signatures, then damage after a correct signature.
    for name in [
        "xs1n0g01", "xs2n0g01", "xs4n0g01", "xs7n0g01", "xcrn0g04", "xlfn0g04",
    ] {
        let created = put(&alice, "image/png", &pngsuite(&format!("{name}.png"))).await;
        alice
            .complete(&created.asset_id)
            .await
            .expect_problem(409, "upload_type_mismatch");
    }
    let mut uploads = Vec::new();
    for name in [
        "xc1n0g08", "xc9n2c08", "xcsn0g01", "xd0n2c08", "xd3n2c08", "xd9n2c08", "xdtn0g01",
        "xhdn0g08",
    ] {
        let file = pngsuite(&format!("{name}.png"));
        uploads.push((name, alice.upload(name, "image/png", file).await));
    }
    for name in ["alpha", "profile-tag-wraps"] {
        let file = fixture(&format!("damaged/{name}.webp"));
        uploads.push((name, alice.upload(name, "image/webp", file).await));
    }
    for (name, created) in &uploads {
        let ids = [created.asset_id.as_str()];
        events
            .all_of(&["processing_failed", "processing_complete"], &ids)
            .await;
        let job = alice.job(&created.job_id).await.expect(200);
        let code = job["error"]["code"].as_str().unwrap_or("none");
        let codes: &[&str] = match *name {
            // Decodable in spite of the damage.
            "profile-tag-wraps" => &["none"],
            _ => &["image_corrupt"],
        };
        assert!(codes.contains(&code), "{name}: {job}");
        assert_eq!(job["attempt"], 1, "{name}: {job}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_of_a_wrong_size_stores_nothing() {
    let stack = shared();
    let alice = stack.caller("bad-files", "sizes", "user");
    let body = made(20, 20, ImageFormat::Png).bytes;
    for size in [body.len() - 1, body.len() + 1, 1, 499_999_999] {
        let created = alice.create("a.png", "image/png", size).await;
        let put = alice.put(&created.upload, body.clone()).await;
        assert!((400..500).contains(&put.status), "{}", put.status);
        assert!(is_gone(&stack, &created).await);
        alice
            .complete(&created.asset_id)
            .await
            .expect_problem(409, "upload_missing");
    }
}
