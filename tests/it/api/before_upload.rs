//! Jobs before their upload is confirmed: they can be read and cancelled from the creation of their asset on.

use futures_util::future::join;
use image::ImageFormat;
use serde_json::{Value, json};
use tests::{Answer, Client, Created, shared};

use crate::images::made;

async fn verb(client: &Client, created: &Created, verb: &str) -> Answer {
    let path = format!("/v1/jobs/{}/{verb}", created.job_id);
    client.post(&path, &Value::Null).await
}

/// Ids of the jobs of a list.
async fn listed(client: &Client, query: &str) -> Vec<String> {
    let page = client.get(&format!("/v1/jobs{query}")).await.expect(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|job| job["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_read_while_it_waits_for_its_upload() {
    let stack = shared();
    let alice = stack.caller("before-upload-read", "alice", "user");
    let created = alice.create("a.png", "image/png", 10).await;
    let asset = alice.asset(&created.asset_id).await.expect(200);
    assert_eq!(asset["job_id"], created.job_id.as_str());
    let job = alice.job(&created.job_id).await.expect(200);
    let expected = json!({"id": created.job_id, "kind": "process_image", "state": "awaiting_upload",
        "asset_id": created.asset_id, "attempt": 0, "attempts": [], "error": null, "created_at": asset["created_at"],
        "progress": {"ratio": null, "rendition": null, "stage": "awaiting_upload"}});
    assert_eq!(job, expected);

    // It is listed only by its state.
    let own = vec![created.job_id.clone()];
    assert!(listed(&alice, "").await.is_empty());
    assert!(listed(&alice, "?state=queued").await.is_empty());
    assert_eq!(listed(&alice, "?state=awaiting_upload").await, own);
    let of_asset = format!("?state=awaiting_upload&asset_id={}", created.asset_id);
    assert_eq!(listed(&alice, &of_asset).await, own);
    let of_other = "?state=awaiting_upload&asset_id=ast_00000000000000000000000000";
    assert!(listed(&alice, of_other).await.is_empty());

    verb(&alice, &created, "redrive")
        .await
        .expect_problem(409, "job_not_redrivable");

    // Others do not see it, an admin of the tenant does.
    let bob = stack.caller("before-upload-read", "bob", "user");
    let foreign = stack.caller("before-upload-foreign", "alice", "admin");
    for other in [&bob, &foreign] {
        other
            .job(&created.job_id)
            .await
            .expect_problem(404, "not_found");
        for name in ["cancel", "redrive"] {
            verb(other, &created, name)
                .await
                .expect_problem(404, "not_found");
        }
        assert!(listed(other, "?state=awaiting_upload").await.is_empty());
    }
    // The tenant is of this story alone, since an admin lists what all its users upload.
    let admin = stack.caller("before-upload-read", "boss", "admin");
    assert_eq!(admin.job(&created.job_id).await.expect(200), job);
    assert_eq!(listed(&admin, "?state=awaiting_upload").await, own);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_upload_starts_the_job_that_was_read_before() {
    let stack = shared();
    let alice = stack.caller("before-upload", "starts", "user");
    let mut events = alice.events("", None).await;
    let photo = made(30, 20, ImageFormat::Png);
    let created = alice.create("a.png", "image/png", photo.bytes.len()).await;
    let before = alice.job(&created.job_id).await.expect(200);
    let _ = alice.put(&created.upload, photo.bytes).await.expect(200);
    let complete = alice.complete(&created.asset_id).await.expect(202);
    assert_eq!(complete["asset"]["job_id"], created.job_id.as_str());
    events
        .next_of("processing_complete", &created.asset_id)
        .await;
    let after = alice.job(&created.job_id).await.expect(200);
    assert_eq!(after["state"], "succeeded");
    for name in ["id", "kind", "asset_id", "created_at"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    let assets = alice.get("/v1/assets").await.expect(200);
    assert_eq!(assets["items"][0]["job_id"], created.job_id.as_str());
    assert!(listed(&alice, "?state=awaiting_upload").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_wait_for_their_upload_are_listed_page_by_page() {
    let stack = shared();
    let alice = stack.caller("before-upload", "pages", "user");
    let mut expected = Vec::new();
    for _ in 0..5 {
        expected.push(alice.create("a.png", "image/png", 10).await.job_id);
    }
    expected.sort_unstable_by(|one, other| other.cmp(one));
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/jobs?state=awaiting_upload&limit=2{cursor}");
        let page = alice.get(&path).await.expect(200);
        for job in page["items"].as_array().unwrap() {
            found.push(job["id"].as_str().unwrap().to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_before_its_upload_ends_the_upload() {
    let stack = shared();
    let alice = stack.caller("before-upload", "cancel", "user");
    let mut events = alice.events("", None).await;
    events.first("snapshot").await;
    let photo = made(30, 20, ImageFormat::Png);
    let created = alice.create("a.png", "image/png", photo.bytes.len()).await;
    let _ = alice
        .put(&created.upload, photo.bytes.clone())
        .await
        .expect(200);
    let job = verb(&alice, &created, "cancel").await.expect(202);
    assert_eq!(
        (&job["state"], &job["error"]["code"], &job["attempts"]),
        (&"cancelled".into(), &"job_cancelled".into(), &json!([]))
    );
    assert_eq!(alice.job(&created.job_id).await.expect(200), job);
    let event = events.next_of("job_cancelled", &created.asset_id).await;
    assert_eq!(event.data["error"]["code"], "job_cancelled");
    assert_eq!(
        events.names_of(&created.asset_id),
        ["upload_started", "job_cancelled"]
    );
    let asset = alice.asset(&created.asset_id).await.expect(200);
    assert_eq!(
        (&asset["state"], &asset["error"]["code"]),
        (&"failed".into(), &"job_cancelled".into())
    );
    assert!(listed(&alice, "?state=awaiting_upload").await.is_empty());
    // The file is removed.
    let key = format!("originals/{}", created.asset_id);
    assert!(stack.raw_bucket().keys(&key).await.is_empty());
    // Nothing brings it back, not even another PUT.
    let _ = alice.put(&created.upload, photo.bytes).await.expect(200);
    alice
        .complete(&created.asset_id)
        .await
        .expect_problem(409, "job_cancelled");
    let path = format!("/v1/assets/{}/upload", created.asset_id);
    alice
        .post(&path, &Value::Null)
        .await
        .expect_problem(409, "upload_closed");
    verb(&alice, &created, "cancel")
        .await
        .expect_problem(409, "job_ended");
    verb(&alice, &created, "redrive")
        .await
        .expect_problem(409, "job_not_redrivable");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_of_a_refused_upload_has_failed() {
    let stack = shared();
    let alice = stack.caller("before-upload", "refused", "user");
    let created = alice.create("a.png", "image/png", 3).await;
    let _ = alice
        .put(&created.upload, b"GIF".to_vec())
        .await
        .expect(200);
    alice
        .complete(&created.asset_id)
        .await
        .expect_problem(409, "upload_type_mismatch");
    let asset = alice.asset(&created.asset_id).await.expect(200);
    let job = alice.job(&created.job_id).await.expect(200);
    assert_eq!(
        (&job["state"], &job["attempt"], &job["error"]),
        (&"failed".into(), &0.into(), &asset["error"])
    );
    assert_eq!(job["error"]["code"], "upload_type_mismatch");
    verb(&alice, &created, "cancel")
        .await
        .expect_problem(409, "job_ended");
    verb(&alice, &created, "redrive")
        .await
        .expect_problem(409, "job_not_redrivable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_and_a_confirmation_at_a_time_agree() {
    let stack = shared();
    let alice = stack.caller("before-upload", "race", "user");
    let photo = made(30, 20, ImageFormat::Png);
    for _ in 0..8 {
        let created = alice.create("a.png", "image/png", photo.bytes.len()).await;
        let _ = alice
            .put(&created.upload, photo.bytes.clone())
            .await
            .expect(200);
        let (cancelled, completed) = join(
            verb(&alice, &created, "cancel"),
            alice.complete(&created.asset_id),
        )
        .await;
        let job = alice.job(&created.job_id).await.expect(200);
        if cancelled.status == 202 {
            assert_eq!(job["state"], "cancelled");
        } else {
            // The upload was confirmed, and the job was done before it could be cancelled.
            cancelled.expect_problem(409, "job_ended");
            assert_eq!(job["state"], "succeeded");
        }
        // A job that was cancelled after the confirmation has an attempt or not; the upload was confirmed all the same.
        match completed.status {
            202 => {}
            // The file was gone before it was examined.
            409 if completed.json()["code"] == "upload_missing" => {}
            _ => completed.expect_problem(409, "job_cancelled"),
        }
    }
}
