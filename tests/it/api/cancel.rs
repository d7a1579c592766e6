//! Cancelled jobs.

use futures_util::future::join_all;
use image::ImageFormat;
use serde_json::{Value, json};
use tests::{Answer, Client, Created, Event, Events, shared};

use crate::images::{landscape, made};

async fn cancel(client: &Client, created: &Created) -> Answer {
    client
        .post(&format!("/v1/jobs/{}/cancel", created.job_id), &Value::Null)
        .await
}

/// Names of the asset's events, once a later event of another asset has arrived.
async fn settled(client: &Client, events: &mut Events, asset_id: &str) -> Vec<String> {
    let later = client.create("later.png", "image/png", 10).await;
    events.next_of("upload_started", &later.asset_id).await;
    events
        .names_of(asset_id)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

async fn check_cancelled(client: &Client, created: &Created) {
    let asset = client.asset(&created.asset_id).await.expect(200);
    assert_eq!(
        (&asset["state"], &asset["error"]["code"]),
        (&"failed".into(), &"job_cancelled".into())
    );
    assert_eq!(asset["outputs"], json!([]));
    let job = client.job(&created.job_id).await.expect(200);
    assert_eq!(
        (&job["state"], &job["error"]["code"]),
        (&"cancelled".into(), &"job_cancelled".into())
    );
    cancel(client, created)
        .await
        .expect_problem(409, "job_ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_job_that_is_cancelled_never_starts() {
    let stack = shared();
    let alice = stack.caller("cancel", "queued", "user");
    let mut events = alice.events("", None).await;
    events.first("snapshot").await;
    // Earlier photos keep the only codec busy.
    let busy: Vec<Created> = join_all((0..4).map(|_| {
        let alice = alice.clone();
        async move { landscape(1).upload(&alice).await }
    }))
    .await;
    let created = made(30, 20, ImageFormat::Png).upload(&alice).await;
    let job = cancel(&alice, &created).await.expect(202);
    assert_eq!(
        (&job["state"], &job["attempts"]),
        (&"cancelled".into(), &json!([]))
    );
    check_cancelled(&alice, &created).await;

    // Its message follows those of the photos and must not start an attempt.
    let ids: Vec<&str> = busy.iter().map(|one| one.asset_id.as_str()).collect();
    events.all_of(&["processing_complete"], &ids).await;
    let names = settled(&alice, &mut events, &created.asset_id).await;
    assert_eq!(
        names,
        ["upload_started", "upload_complete", "job_cancelled"]
    );

    // It can be redriven.
    let redriven = alice
        .post(
            &format!("/v1/jobs/{}/redrive", created.job_id),
            &Value::Null,
        )
        .await
        .expect(202);
    assert_eq!(
        (&redriven["state"], &redriven["error"]),
        (&"queued".into(), &Value::Null)
    );
    events
        .next_of("processing_complete", &created.asset_id)
        .await;
    let asset = alice.asset(&created.asset_id).await.expect(200);
    assert_eq!(
        (&asset["state"], &asset["error"]),
        (&"ready".into(), &Value::Null)
    );
    cancel(&alice, &created)
        .await
        .expect_problem(409, "job_ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_that_is_cancelled_publishes_nothing() {
    let stack = shared();
    let alice = stack.caller("cancel", "running", "user");
    let mut events = alice.events("", None).await;
    events.first("snapshot").await;
    let big = made(6_000, 4_000, ImageFormat::Jpeg);
    // The job may finish before the cancellation arrives; then try again.
    for _ in 0..5 {
        let created = big.upload(&alice).await;
        events
            .next_of("processing_started", &created.asset_id)
            .await;
        let answer = cancel(&alice, &created).await;
        if answer.status == 409 {
            answer.expect_problem(409, "job_ended");
            continue;
        }
        let job = answer.expect(202);
        assert_eq!(job["state"], "cancelled");
        assert_eq!(
            job["attempts"][0]["error"]["code"], "job_cancelled",
            "{job}"
        );
        check_cancelled(&alice, &created).await;
        // The next image has the codec, so the cancelled attempt is over.
        let next = made(30, 20, ImageFormat::Png).upload(&alice).await;
        events.next_of("processing_complete", &next.asset_id).await;
        let of_it = |event: &&Event| event.asset_id() == created.asset_id;
        assert_eq!(
            events.seen().iter().rfind(of_it).unwrap().name,
            "job_cancelled"
        );
        check_cancelled(&alice, &created).await;
        return;
    }
    panic!("no job was cancelled while it was running");
}
