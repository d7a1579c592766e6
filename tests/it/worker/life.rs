//! The life of a video, from upload to playback.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Created};

use super::turn::{Claim, PLAYLIST, Worker, mp4, output, turn, upload_video};

async fn playback(client: &Client, created: &Created) -> Value {
    let path = format!("/v1/assets/{}/playback", created.asset_id);
    client.get(&path).await.expect(200)
}

/// Fetches the original of a video by `url`, which may redirect to the bucket.
async fn check_original(nobody: &Client, url: &str) {
    let mut answer = nobody.fetch(url).await;
    if answer.status == 302 {
        let location = answer.header("location").to_owned();
        // The local bucket does not turn it into a header.
        let disposition = "response-content-disposition=inline";
        assert!(location.contains(disposition), "{location}");
        answer = nobody.fetch(&location).await;
    }
    assert_eq!((answer.status, &answer.body), (200, &mp4()));
    assert_eq!(answer.header("content-type"), "video/mp4");
}

/// Checks the claim document of a video.
fn check_claim(claim: &Claim, created: &Created, visibility: &str) {
    let document = &claim.document;
    assert_eq!(document["attempt"], 1);
    assert_eq!(document["job"]["kind"], "process_video");
    assert_eq!(document["job"]["state"], "running");
    assert_eq!(document["job"]["attempts"][0]["worker"], "w-life");
    let source = json!({"bucket": "raw", "key": format!("originals/{}", created.asset_id),
        "size_bytes": mp4().len(), "content_type": "video/mp4", "sha256": null});
    assert_eq!(document["source"], source);
    let bucket = if visibility == "public" {
        "public"
    } else {
        "raw"
    };
    assert_eq!(document["destination"]["bucket"], bucket);
    assert!(
        claim
            .prefix()
            .starts_with(&format!("m/{}/1-", created.asset_id))
    );
    assert_eq!(
        document["work"],
        json!({"kind": "video", "preset": {"fps_max": 30}})
    );
    assert_eq!(document["lease_ms"], 5_000);
}

/// Checks that progress is published as reported, but never decreases and never exceeds 1.
async fn check_progress(
    worker: &Worker,
    claim: &Claim,
    owner: &mut (Client, tests::Events),
    created: &Created,
) {
    let (client, events) = owner;
    for (reported, published) in [(0.25, 0.25), (0.2, 0.25), (1.5, 1.0)] {
        let progress = json!({"ratio": reported, "stage": "encode", "rendition": "720p", "speed": 2.5, "eta_ms": 9_000,
            "renditions": [{"name": "720p", "ratio": reported}, {"name": "360p", "ratio": null}]});
        let answer = worker
            .verb(claim, "heartbeat", &json!({"progress": progress}))
            .await
            .expect(200);
        assert_eq!(
            (&answer["cancel"], &answer["drain"]),
            (&false.into(), &false.into())
        );
        let event = events
            .next_of("processing_progress", &created.asset_id)
            .await;
        let progress = &event.data["progress"];
        assert_eq!(
            (
                &progress["ratio"],
                &progress["stage"],
                &progress["rendition"]
            ),
            (&published.into(), &"encode".into(), &"720p".into())
        );
        assert_eq!(
            (&progress["speed"], &progress["eta_ms"]),
            (&2.5.into(), &9_000.into())
        );
        assert_eq!(
            progress["renditions"][1],
            json!({"name": "360p", "ratio": null})
        );
        assert_eq!(event.data["attempt"], 1);
        // The job has the same progress as the event.
        let job = client.job(&created.job_id).await.expect(200);
        assert_eq!(&job["progress"], progress);
    }
}

/// Reports early outputs, which appear in the playback document alone.
async fn check_early(worker: &Worker, claim: &Claim, client: &Client, created: &Created) {
    worker
        .store(claim, "remux.mp4", b"a remux", "video/mp4")
        .await;
    worker
        .store(claim, "hls/master.m3u8", b"#EXTM3U\n", PLAYLIST)
        .await;
    let early = json!({"outputs": [output("remux", "remux.mp4", "video/mp4", 7),
        output("hls", "hls/master.m3u8", PLAYLIST, 8)], "width": 1280, "height": 720, "duration_ms": 42_000});
    let _ = worker
        .verb(claim, "heartbeat", &json!({"early": early}))
        .await
        .expect(200);
    let asset = client.asset(&created.asset_id).await.expect(200);
    assert_eq!(
        (&asset["state"], &asset["outputs"], &asset["width"]),
        (&"processing".into(), &json!([]), &Value::Null)
    );
    let shown = playback(client, created).await;
    assert_eq!(
        (&shown["width"], &shown["height"], &shown["duration_ms"]),
        (&1280.into(), &720.into(), &42_000.into())
    );
    let hls = shown["hls_url"].as_str().unwrap();
    assert!(hls.ends_with("/hls/master.m3u8"), "{hls}");
    let remux = client.fetch(shown["mp4_url"].as_str().unwrap()).await;
    assert_eq!((remux.status, remux.text().as_str()), (200, "a remux"));
    assert_eq!(shown["poster_url"], Value::Null);
}

/// Finishes with missing or invalid outputs, then with stored ones.
async fn check_finish(worker: &Worker, claim: &Claim, client: &Client, created: &Created) {
    let poster = |file: &str, size| json!([output("poster", file, "image/jpeg", size)]);
    let twice = json!([
        output("remux", "remux.mp4", "video/mp4", 7),
        output("remux", "remux.mp4", "video/mp4", 7)
    ]);
    for outputs in [
        json!([]),
        poster("poster.jpg", 8),
        poster("../poster.jpg", 8),
        poster("/poster.jpg", 8),
        poster("a poster.jpg", 8),
        json!([output("remux", "remux.mp4", "video/mp4", 6)]),
        json!([output("Remux!", "remux.mp4", "video/mp4", 7)]),
        twice,
    ] {
        let made = json!({"made": {"outputs": outputs}});
        worker
            .verb(claim, "finish", &made)
            .await
            .expect_problem(422, "output_invalid");
        let asset = client.asset(&created.asset_id).await.expect(200);
        assert_eq!(
            (&asset["state"], &asset["outputs"]),
            (&"processing".into(), &json!([]))
        );
    }
    let files: [(&str, &str, &str, &[u8]); 5] = [
        (
            "hls",
            "hls/master.m3u8",
            PLAYLIST,
            b"#EXTM3U\n#EXT-X-VERSION:7\n",
        ),
        ("mp4", "video.mp4", "video/mp4", b"0123456789"),
        ("poster", "poster.jpg", "image/jpeg", b"poster"),
        ("storyboard", "storyboard.vtt", "text/vtt", b"WEBVTT\n"),
        ("remux", "remux.mp4", "video/mp4", b"a remux"),
    ];
    let mut outputs = Vec::new();
    for (name, file, content_type, bytes) in files {
        worker.store(claim, file, bytes, content_type).await;
        outputs.push(output(name, file, content_type, bytes.len()));
    }
    worker
        .store(
            claim,
            "hls/720p/00000.m4s",
            b"a segment",
            "video/iso.segment",
        )
        .await;
    let made = json!({"made": {"outputs": outputs, "width": 1280, "height": 720, "duration_ms": 42_000,
        "placeholder": "AAAA", "peak_memory_bytes": 5, "report": {"streams": 2}}});
    let job = worker.verb(claim, "finish", &made).await.expect(200);
    assert_eq!(
        (&job["state"], &job["attempts"][0]["peak_memory_bytes"]),
        (&"succeeded".into(), &5.into())
    );
    // The answer may be lost: the same worker may repeat `finish`, but no other verb.
    let again = worker.verb(claim, "finish", &made).await.expect(200);
    assert_eq!(again, job);
    worker
        .verb(claim, "release", &json!({}))
        .await
        .expect_problem(409, "job_ended");
}

/// Checks what players get of a video that is ready.
async fn check_playback(nobody: &Client, shown: &Value, cache: &str) {
    let url = |name: &str| shown[name].as_str().unwrap();
    assert!(url("mp4_url").ends_with("/video.mp4"));
    assert!(url("poster_url").ends_with("/poster.jpg"));
    assert!(url("storyboard_url").ends_with("/storyboard.vtt"));
    assert_eq!(
        (
            &shown["duration_ms"],
            &shown["width"],
            &shown["placeholder"]
        ),
        (&42_000.into(), &1280.into(), &"AAAA".into())
    );
    check_original(nobody, url("original_url")).await;
    let page = ("origin", "https://player.example");

    let playlist = nobody
        .fetch_with(Method::GET, url("hls_url"), &[page], Vec::new())
        .await;
    assert_eq!(playlist.text(), "#EXTM3U\n#EXT-X-VERSION:7\n");
    assert_eq!(playlist.header("content-type"), PLAYLIST);
    assert_eq!(
        playlist.header("cache-control"),
        format!("{cache}, max-age=1")
    );
    assert_eq!(playlist.header("access-control-allow-origin"), "*");

    // Players resolve relative URLs of a playlist against its URL.
    let segment = url("hls_url").replace("master.m3u8", "720p/00000.m4s");
    let preflight = nobody
        .fetch_with(
            Method::OPTIONS,
            &segment,
            &[page, ("access-control-request-headers", "range")],
            Vec::new(),
        )
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    let allowed = preflight.header("access-control-allow-headers");
    assert!(allowed.contains("range"), "{allowed}");
    let part = nobody
        .fetch_with(
            Method::GET,
            &segment,
            &[page, ("range", "bytes=2-4")],
            Vec::new(),
        )
        .await;
    assert_eq!((part.status, part.text().as_str()), (206, "seg"));
    assert_eq!(part.header("content-range"), "bytes 2-4/9");
    let exposed = part.header("access-control-expose-headers");
    assert!(exposed.contains("Content-Range") && exposed.contains("Content-Length"));
    let head = nobody
        .fetch_with(Method::HEAD, &segment, &[page], Vec::new())
        .await;
    assert_eq!(
        (head.status, head.header("content-length"), head.body.len()),
        (200, "9", 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_is_processed_by_a_native_worker_and_played() {
    let turn = turn().await;
    let worker = turn.worker("w-life");
    for visibility in ["public", "private"] {
        let mut owner = turn.user("worker-life", visibility).await;
        let created = upload_video(&owner.0, visibility).await;
        let nobody = owner.0.without_token();
        let shown = playback(&owner.0, &created).await;
        assert_eq!(shown["state"], "processing");
        assert_eq!(
            (&shown["hls_url"], &shown["mp4_url"]),
            (&Value::Null, &Value::Null)
        );
        check_original(&nobody, shown["original_url"].as_str().unwrap()).await;
        let path = format!("/v1/assets/{}/original", created.asset_id);
        let status = nobody.get(&path).await.status;
        assert_eq!(status, if visibility == "public" { 302 } else { 404 });

        let claim = worker.claim(&created).await;
        check_claim(&claim, &created, visibility);
        owner
            .1
            .next_of("processing_started", &created.asset_id)
            .await;
        check_progress(&worker, &claim, &mut owner, &created).await;
        check_early(&worker, &claim, &owner.0, &created).await;
        check_finish(&worker, &claim, &owner.0, &created).await;

        let complete = owner
            .1
            .next_of("processing_complete", &created.asset_id)
            .await;
        assert_eq!(complete.data["result"]["duration_ms"], 42_000);
        let asset = owner.0.asset(&created.asset_id).await.expect(200);
        assert_eq!(
            (&asset["state"], &asset["duration_ms"], &asset["height"]),
            (&"ready".into(), &42_000.into(), &720.into())
        );
        assert_eq!(asset["outputs"].as_array().unwrap().len(), 5);
        let shown = playback(&owner.0, &created).await;
        check_playback(&nobody, &shown, visibility).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_token_of_a_private_image_does_not_open_its_original() {
    let turn = turn().await;
    let (alice, mut events) = turn.user("worker-image", "alice").await;
    let image = crate::images::made(40, 30, image::ImageFormat::Png);
    let document =
        json!({"filename": "a.png", "content_type": "image/png", "visibility": "private"});
    let created = alice.upload_with(&document, image.bytes).await;
    let complete = events
        .next_of("processing_complete", &created.asset_id)
        .await;
    let url = complete.data["result"]["outputs"][0]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let (start, _) = url.rsplit_once("/1-").unwrap();
    let nobody = alice.without_token();
    assert_eq!(nobody.fetch(&url).await.status, 200);
    nobody
        .fetch(&format!("{start}/original"))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_its_own_preset() {
    let turn = turn().await;
    let worker = turn.worker("w-preset");
    let (alice, _events) = turn.user("studio", "alice").await;
    let created = upload_video(&alice, "public").await;
    let claim = worker.claim(&created).await;
    assert_eq!(claim.document["work"]["preset"], json!({"speed": "fast"}));
    let _ = worker.finish_with_poster(&claim).await.expect(200);
}
