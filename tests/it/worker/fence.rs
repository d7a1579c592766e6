//! Leases and fences: only the current attempt may change a job.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Client, Created, Event};

use super::turn::{Claim, LEASE, Worker, output, turn, upload_video, verbs};

/// Checks that every verb of this claim is rejected.
async fn check_stale(worker: &Worker, claim: &Claim, code: &str) {
    for (verb, body) in verbs() {
        worker
            .verb(claim, verb, &body)
            .await
            .expect_problem(409, code);
    }
}

/// Checks the event that gives the reason of a retry.
fn check_retry(event: &Event, attempt: u32, why: &str) {
    let progress = &event.data["progress"];
    assert_eq!(event.data["attempt"], attempt, "{event:?}");
    assert_eq!(progress["stage"], "retry", "{event:?}");
    assert!(progress["message"].as_str().unwrap().starts_with(why));
    assert!(progress["ratio"].is_number() && event.data["error"].is_null());
}

async fn outputs(client: &Client, created: &Created) -> Value {
    client.asset(&created.asset_id).await.expect(200)["outputs"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_lost_its_lease_changes_nothing() {
    let turn = turn().await;
    let (slow, quick) = (turn.worker("w-slow"), turn.worker("w-quick"));
    let (alice, mut events) = turn.user("worker-fence", "lease").await;
    let created = upload_video(&alice, "public").await;
    let lost = slow.claim(&created).await;
    quick
        .try_claim(&created)
        .await
        .expect_problem(409, "job_busy");

    // Its lease expires, and another worker gets the hint.
    let held = quick.claim(&created).await;
    assert_eq!(held.document["attempt"], 2);
    let attempts = &held.document["job"]["attempts"];
    assert_eq!(attempts[0]["error"]["code"], "lease_expired", "{attempts}");
    let retry = events
        .next_of("processing_progress", &created.asset_id)
        .await;
    check_retry(&retry, 1, "lease_expired: The worker stopped responding");
    check_stale(&slow, &lost, "lease_stale").await;
    // A mixture of both fences is rejected, and so is the fence of another worker.
    let mut mixed = lost.clone();
    mixed.document["attempt"] = 2.into();
    check_stale(&slow, &mixed, "lease_stale").await;
    check_stale(&slow, &held, "lease_stale").await;

    let _ = quick.finish_with_poster(&held).await.expect(200);
    events
        .next_of("processing_complete", &created.asset_id)
        .await;
    let published = outputs(&alice, &created).await;
    check_stale(&slow, &lost, "job_ended").await;
    assert_eq!(outputs(&alice, &created).await, published);
    let url = published[0]["url"].as_str().unwrap();
    assert!(url.contains(held.prefix()), "{url}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_lives_as_long_as_its_heartbeats() {
    let turn = turn().await;
    let worker = turn.worker("w-beat");
    let (alice, _events) = turn.user("worker-fence", "beat").await;
    let created = upload_video(&alice, "public").await;
    let claim = worker.claim(&created).await;
    let started = std::time::Instant::now();
    let mut ends = std::collections::BTreeSet::new();
    while started.elapsed() < LEASE * 2 {
        let answer = worker
            .verb(&claim, "heartbeat", &json!({}))
            .await
            .expect(200);
        ends.insert(answer["lease_until"].as_str().unwrap().to_owned());
        // The interval of a worker's heartbeats, not a wait for an event.
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    // The lease is renewed after a third of it, not at each heartbeat.
    assert!((3..=9).contains(&ends.len()), "{ends:?}");
    let job = worker.finish_with_poster(&claim).await.expect(200);
    assert_eq!(job["attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_of_a_cancelled_job_is_notified() {
    let turn = turn().await;
    let (worker, other) = (turn.worker("w-cancel"), turn.worker("w-other"));
    let (alice, mut events) = turn.user("worker-fence", "cancel").await;
    let created = upload_video(&alice, "public").await;
    let claim = worker.claim(&created).await;
    worker
        .store(&claim, "remux.mp4", b"a remux", "video/mp4")
        .await;
    let early = json!({"early": {"outputs": [output("remux", "remux.mp4", "video/mp4", 7)]}});
    let _ = worker.verb(&claim, "heartbeat", &early).await.expect(200);

    let cancel = format!("/v1/jobs/{}/cancel", created.job_id);
    let _ = alice.post(&cancel, &Value::Null).await.expect(202);
    let beat = worker
        .verb(&claim, "heartbeat", &json!({}))
        .await
        .expect(200);
    assert_eq!(beat["cancel"], true);
    for (verb, body) in verbs().into_iter().filter(|(verb, _)| *verb != "heartbeat") {
        worker
            .verb(&claim, verb, &body)
            .await
            .expect_problem(409, "job_ended");
    }
    other
        .try_claim(&created)
        .await
        .expect_problem(409, "job_ended");
    events.next_of("job_cancelled", &created.asset_id).await;
    let late = json!({"progress": {"ratio": 0.9, "stage": "encode"}});
    let _ = worker.verb(&claim, "heartbeat", &late).await.expect(200);
    // Playback shows neither early outputs nor the original any more.
    let path = format!("/v1/assets/{}/playback", created.asset_id);
    let shown = alice.get(&path).await.expect(200);
    assert_eq!(
        (&shown["state"], &shown["mp4_url"], &shown["original_url"]),
        (&"failed".into(), &Value::Null, &Value::Null)
    );
    let later = alice.create("later.png", "image/png", 10).await;
    events.next_of("upload_started", &later.asset_id).await;
    assert_eq!(
        events.names_of(&created.asset_id).last(),
        Some(&"job_cancelled")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_video_cannot_be_claimed() {
    let turn = turn().await;
    let worker = turn.worker("w-delete");
    let (alice, _events) = turn.user("worker-fence", "delete").await;
    let created = upload_video(&alice, "public").await;
    let claim = worker.claim(&created).await;
    worker
        .store(&claim, "remux.mp4", b"a remux", "video/mp4")
        .await;
    let answer = alice
        .delete(&format!("/v1/assets/{}", created.asset_id))
        .await;
    assert_eq!(answer.status, 204);
    check_stale(&worker, &claim, "lease_stale").await;
    worker
        .try_claim(&created)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_end_as_their_worker_reports() {
    let turn = turn().await;
    let worker = turn.worker("w-end");
    let (alice, mut events) = turn.user("worker-fence", "end").await;
    let created = upload_video(&alice, "public").await;

    // Released, more often than it may fail.
    for attempt in 1..=5 {
        let claim = worker.claim(&created).await;
        assert_eq!(claim.document["attempt"], attempt);
        let job = worker.verb(&claim, "release", &json!({})).await.expect(200);
        assert_eq!(
            (&job["state"], &job["error"]),
            (&"queued".into(), &Value::Null)
        );
    }
    // Failed, retryable.
    let claim = worker.claim(&created).await;
    let attempts = claim.document["job"]["attempts"].as_array().unwrap();
    for released in &attempts[..5] {
        assert!(released["ended_at"].is_string(), "{released}");
        assert_eq!(released["error"], Value::Null, "a release is no failure");
    }
    let failure =
        |code: &str, class: &str| json!({"code": code, "detail": "What happened.", "class": class});
    worker
        .verb(&claim, "fail", &failure("not_found", "permanent"))
        .await
        .expect_problem(400, "request_invalid");
    worker
        .verb(&claim, "fail", &failure("encode_failed", "sometimes"))
        .await
        .expect_problem(400, "request_invalid");
    let job = worker
        .verb(&claim, "fail", &failure("storage_failed", "retryable"))
        .await
        .expect(200);
    assert_eq!(
        (&job["state"], &job["attempts"][5]["error"]["code"]),
        (&"queued".into(), &"storage_failed".into())
    );
    let retry = events
        .next_of("processing_progress", &created.asset_id)
        .await;
    check_retry(&retry, 6, "storage_failed: What happened.");
    // Failed permanently: the owner gets the worker's detail.
    let claim = worker.claim(&created).await;
    assert_eq!(claim.document["attempt"], 7);
    let job = worker
        .verb(&claim, "fail", &failure("media_unreadable", "permanent"))
        .await
        .expect(200);
    assert_eq!(job["state"], "failed");
    let failed = events.next_of("processing_failed", &created.asset_id).await;
    let error = json!({"code": "media_unreadable", "detail": "What happened."});
    assert_eq!(failed.data["error"], error);
    let asset = alice.asset(&created.asset_id).await.expect(200);
    assert_eq!(
        (&asset["state"], &asset["error"]),
        (&"failed".into(), &error)
    );
    check_stale(&worker, &claim, "job_ended").await;
}
