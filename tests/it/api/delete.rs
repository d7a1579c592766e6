//! Deleting assets removes all of their objects.

use std::time::{Duration, Instant};

use image::ImageFormat;
use serde_json::{Value, json};
use tests::{Client, Created, Stack, shared};

use crate::images::{landscape, made};

/// Objects of an attempt that did not win are removed after two minutes, when its worker has stopped writing.
const LEFTOVERS_GONE: Duration = Duration::from_mins(4);

async fn delete(client: &Client, created: &Created) -> u16 {
    client
        .delete(&format!("/v1/assets/{}", created.asset_id))
        .await
        .status
}

async fn objects(stack: &Stack, created: &Created) -> Vec<String> {
    let mut keys = Vec::new();
    for bucket in [stack.raw_bucket(), stack.public_bucket()] {
        for prefix in ["originals", "m"] {
            keys.extend(bucket.keys(&format!("{prefix}/{}", created.asset_id)).await);
        }
    }
    keys
}

/// Waits until no object of the asset is left.
async fn gone(stack: &Stack, created: &Created, within: Duration) {
    let deadline = Instant::now() + within;
    loop {
        let left = objects(stack, created).await;
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "still there: {left:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_asset_is_gone_with_its_files() {
    let stack = shared();
    let alice = stack.caller("delete", "alice", "user");
    let mut events = alice.events("", None).await;
    for visibility in ["public", "private"] {
        let document =
            json!({"filename": "a.png", "content_type": "image/png", "visibility": visibility});
        let created = alice
            .upload_with(&document, made(40, 30, ImageFormat::Png).bytes)
            .await;
        let complete = events
            .next_of("processing_complete", &created.asset_id)
            .await;
        assert_eq!(objects(&stack, &created).await.len(), 5);
        let output = complete.data["result"]["outputs"][0]["url"]
            .as_str()
            .unwrap()
            .to_owned();
        let path = format!("/v1/assets/{}", created.asset_id);
        let original = alice
            .get(&format!("{path}/original"))
            .await
            .header("location")
            .to_owned();
        assert_eq!(alice.fetch(&output).await.status, 200);
        assert_eq!(alice.fetch(&original).await.status, 200);

        assert_eq!(delete(&alice, &created).await, 204);
        assert_eq!(delete(&alice, &created).await, 404);
        for path in [
            path.clone(),
            format!("{path}/original"),
            format!("{path}/playback"),
            format!("/v1/jobs/{}", created.job_id),
        ] {
            alice.get(&path).await.expect_problem(404, "not_found");
        }
        alice
            .complete(&created.asset_id)
            .await
            .expect_problem(404, "not_found");
        events.next_of("asset_deleted", &created.asset_id).await;
        gone(&stack, &created, Duration::from_mins(1)).await;
        assert_eq!(alice.fetch(&output).await.status, 404);
        assert_eq!(alice.fetch(&original).await.status, 404);

        let later = alice.create("later.png", "image/png", 10).await;
        events.next_of("upload_started", &later.asset_id).await;
        assert_eq!(
            events.names_of(&created.asset_id).last(),
            Some(&"asset_deleted")
        );
        assert_eq!(delete(&alice, &later).await, 204);
    }
    assert_eq!(
        alice.get("/v1/assets").await.expect(200)["items"],
        json!([])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_can_be_deleted_at_every_stage() {
    let stack = shared();
    let alice = stack.caller("delete", "bob", "user");
    let mut events = alice.events("", None).await;
    // Before the PUT, after the PUT, and after a rejection.
    let waiting = alice.create("a.png", "image/png", 10).await;
    let put = alice.create("a.txt", "image/png", 4).await;
    let _ = alice.put(&put.upload, b"text".to_vec()).await.expect(200);
    let refused = alice.create("a.txt", "image/png", 4).await;
    let _ = alice
        .put(&refused.upload, b"text".to_vec())
        .await
        .expect(200);
    alice
        .complete(&refused.asset_id)
        .await
        .expect_problem(409, "upload_type_mismatch");
    // Queued, after photos.
    let mut photos = Vec::new();
    for _ in 0..2 {
        photos.push(landscape(1).upload(&alice).await);
    }
    let queued = made(30, 20, ImageFormat::Png).upload(&alice).await;
    for created in [&waiting, &put, &refused, &queued] {
        assert_eq!(delete(&alice, created).await, 204);
        events.next_of("asset_deleted", &created.asset_id).await;
        alice
            .asset(&created.asset_id)
            .await
            .expect_problem(404, "not_found");
    }
    for created in [&waiting, &put, &refused, &queued] {
        gone(&stack, created, Duration::from_mins(1)).await;
    }
    // The signed URL of a deleted asset still accepts a PUT, but the asset cannot be completed and the object is removed.
    alice
        .complete(&waiting.asset_id)
        .await
        .expect_problem(404, "not_found");
    let photos: Vec<&str> = photos.iter().map(|one| one.asset_id.as_str()).collect();
    events.all_of(&["processing_complete"], &photos).await;
    assert!(
        events
            .names_of(&queued.asset_id)
            .ends_with(&["asset_deleted"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_of_a_deleted_asset_leaves_no_files() {
    let stack = shared();
    let alice = stack.caller("delete", "carol", "user");
    let mut events = alice.events("", None).await;
    let big = made(6_000, 4_000, ImageFormat::Jpeg);
    let mut deleted = Vec::new();
    // At different moments of the attempt.
    for event in ["processing_started", "processing_progress"] {
        let created = big.upload(&alice).await;
        events.next_of(event, &created.asset_id).await;
        assert_eq!(delete(&alice, &created).await, 204);
        events.next_of("asset_deleted", &created.asset_id).await;
        alice
            .job(&created.job_id)
            .await
            .expect_problem(404, "not_found");
        deleted.push(created);
    }
    let next = made(30, 20, ImageFormat::Png).upload(&alice).await;
    events.next_of("processing_complete", &next.asset_id).await;
    for created in &deleted {
        gone(&stack, created, LEFTOVERS_GONE).await;
        assert_eq!(
            events.names_of(&created.asset_id).last(),
            Some(&"asset_deleted")
        );
        let cancelled = alice
            .post(&format!("/v1/jobs/{}/cancel", created.job_id), &Value::Null)
            .await;
        cancelled.expect_problem(404, "not_found");
    }
}
