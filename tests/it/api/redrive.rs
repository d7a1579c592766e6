//! Redriving jobs.

use image::ImageFormat;
use serde_json::Value;
use tests::{Answer, Client, Created, shared};

use crate::images::made;

async fn redrive(client: &Client, created: &Created) -> Answer {
    client
        .post(
            &format!("/v1/jobs/{}/redrive", created.job_id),
            &Value::Null,
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_job_can_be_redriven_and_keeps_its_history() {
    let stack = shared();
    let alice = stack.caller("redrive", "alice", "user");
    let mut events = alice.events("", None).await;
    let mut broken = made(200, 100, ImageFormat::Png).bytes;
    broken.truncate(broken.len() / 2);
    let created = alice.upload("half.png", "image/png", broken).await;
    events.next_of("processing_failed", &created.asset_id).await;
    for attempt in 2..=3 {
        let job = redrive(&alice, &created).await.expect(202);
        assert_eq!(
            (&job["state"], &job["error"]),
            (&"queued".into(), &Value::Null),
            "{job}"
        );
        let failed = events.next_of("processing_failed", &created.asset_id).await;
        assert_eq!(failed.data["attempt"], attempt);
    }
    let job = alice.job(&created.job_id).await.expect(200);
    let attempts = job["attempts"].as_array().unwrap();
    let numbers: Vec<u64> = attempts
        .iter()
        .map(|one| one["attempt"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3]);
    for attempt in attempts {
        assert_eq!(attempt["error"]["code"], "image_truncated");
        assert!(attempt["ended_at"].is_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_succeeded_cannot_be_redriven() {
    let stack = shared();
    let alice = stack.caller("redrive", "bob", "user");
    let mut events = alice.events("", None).await;
    let created = made(20, 10, ImageFormat::Png).upload(&alice).await;
    events
        .next_of("processing_complete", &created.asset_id)
        .await;
    redrive(&alice, &created)
        .await
        .expect_problem(409, "job_not_redrivable");
}
