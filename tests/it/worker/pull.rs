//! The queue as native workers use it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Stack, Token};

use super::turn::{Turn, Worker, cancel_all, job_of, turn, upload_video};

/// Removes hints that earlier stories left.
async fn empty_queue(turn: &Turn) {
    let worker = turn.worker("w-empty");
    loop {
        let messages = worker.pull(&json!({"batch_size": 100})).await;
        if messages.is_empty() {
            return;
        }
        let acks: Vec<Value> = messages
            .iter()
            .map(|message| json!({"lease_id": message["lease_id"]}))
            .collect();
        let acked = worker.ack(&json!({"acks": acks})).await;
        assert_eq!(acked["ackCount"], acks.len());
    }
}

/// Connects a worker that waits in a pull; returns when the first white space has arrived.
fn waiting_connection(stack: &Stack, name: &str) -> TcpStream {
    let address = stack.origin().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let body = r#"{"wait_ms":30000}"#;
    let token = Token::of("nobody", name, "worker").sign_dev();
    write!(
        stream,
        "POST /v1/queues/media-jobs/messages/pull HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut seen = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend(&buffer[..count]);
        let text = String::from_utf8_lossy(&seen);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.contains(' ')
        {
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            return stream;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_worker_that_disappears_delays_no_job() {
    let turn = turn().await;
    empty_queue(&turn).await;
    let (alice, _events) = turn.user("worker-pull", "vanish").await;
    for round in 0..3 {
        // The first worker in line is the one that disappears.
        let gone = waiting_connection(&turn.stack, &format!("w-gone-{round}"));
        let next = turn.worker("w-next");
        let pulling = tokio::spawn(async move { next.pull(&json!({"wait_ms": 30_000})).await });
        let created = alice.create("clip.mp4", "video/mp4", 64).await;
        let mut mp4 = b"\0\0\0\x18ftypisom\0\0\x02\0isommp41".to_vec();
        mp4.resize(64, 0);
        let _ = alice.put(&created.upload, mp4).await.expect(200);
        drop(gone);
        let _ = alice.complete(&created.asset_id).await.expect(202);
        let completed = Instant::now();
        let messages = pulling.await.unwrap();
        let elapsed = completed.elapsed();
        assert_eq!(messages.len(), 1, "round {round}");
        assert_eq!(job_of(&messages[0]), created.job_id);
        assert!(
            elapsed < Duration::from_secs(6),
            "round {round}: {elapsed:?}"
        );
        let _ = turn.worker("w-next").try_claim(&created).await.expect(200);
        cancel_all(&alice, &[created]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_is_hidden_after_a_pull_and_removed_by_the_claim() {
    let turn = turn().await;
    empty_queue(&turn).await;
    let (one, two) = (turn.worker("w-one"), turn.worker("w-two"));
    let (alice, _events) = turn.user("worker-pull", "hidden").await;
    let created = upload_video(&alice, "public").await;
    // An hour was requested; the service hides it for 5 s at most.
    let first = one
        .pull(&json!({"wait_ms": 20_000, "visibility_timeout_ms": 3_600_000}))
        .await;
    let pulled = Instant::now();
    assert_eq!(
        (first.len(), job_of(&first[0])),
        (1, created.job_id.clone())
    );
    assert_eq!(first[0]["attempts"], 1);
    assert_eq!(two.pull(&json!({})).await, Vec::<Value>::new());
    let second = two.pull(&json!({"wait_ms": 20_000})).await;
    let hidden = pulled.elapsed();
    assert!(
        (Duration::from_secs(4)..Duration::from_secs(6)).contains(&hidden),
        "{hidden:?}"
    );
    assert_eq!((second.len(), &second[0]["id"]), (1, &first[0]["id"]));
    assert_eq!(second[0]["attempts"], 2);
    assert_ne!(second[0]["lease_id"], first[0]["lease_id"]);
    // The old lease is void; `retries` returns the hint to the queue at once.
    let lease = |message: &Value| json!([{"lease_id": message["lease_id"]}]);
    let acked = one.ack(&json!({"acks": lease(&first[0])})).await;
    assert_eq!(
        acked,
        json!({"ackCount": 0, "retryCount": 0, "warnings": [first[0]["lease_id"]]})
    );
    let retried = two.ack(&json!({"retries": lease(&second[0])})).await;
    assert_eq!(retried["retryCount"], 1);
    let third = one.pull(&json!({})).await;
    assert_eq!((third.len(), &third[0]["attempts"]), (1, &3.into()));
    let late = json!({"retries": [{"lease_id": third[0]["lease_id"], "delay_seconds": 2}]});
    assert_eq!(one.ack(&late).await["retryCount"], 1);
    let retried = Instant::now();
    let fourth = one.pull(&json!({"wait_ms": 20_000})).await;
    assert!(retried.elapsed() >= Duration::from_millis(1_900));

    let _ = one.try_claim(&created).await.expect(200);
    let acked = one.ack(&json!({"acks": lease(&fourth[0])})).await;
    assert_eq!(
        (&acked["ackCount"], &acked["retryCount"]),
        (&0.into(), &0.into())
    );
    assert_eq!(
        two.pull(&json!({"wait_ms": 1_000})).await,
        Vec::<Value>::new()
    );
    cancel_all(&alice, &[created]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_in_one_pull_at_a_time() {
    let turn = turn().await;
    empty_queue(&turn).await;
    let worker = turn.worker("w-twice");
    let open = waiting_connection(&turn.stack, "w-twice");
    let started = Instant::now();
    let pulling = tokio::spawn({
        let worker = worker.clone();
        async move { worker.pull(&json!({"wait_ms": 30_000})).await }
    });
    // The earlier pull ends without messages, long before its time.
    let mut rest = String::new();
    let mut open = open;
    loop {
        let mut buffer = [0; 1_024];
        let count = open.read(&mut buffer).unwrap();
        rest.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if rest.contains("\"success\"") || count == 0 {
            break;
        }
    }
    assert!(rest.contains(r#""messages":[]"#), "{rest}");
    assert!(started.elapsed() < Duration::from_secs(10));
    // The later pull gets the next hint at once.
    let (alice, _events) = turn.user("worker-pull", "twice").await;
    let created = upload_video(&alice, "public").await;
    let completed = Instant::now();
    let messages = pulling.await.unwrap();
    assert_eq!(job_of(&messages[0]), created.job_id);
    assert!(completed.elapsed() < Duration::from_secs(3));
    let _ = worker.try_claim(&created).await.expect(200);
    cancel_all(&alice, &[created]).await;
}

async fn pull_raw(worker: &Worker, queue: &str, body: &Value) -> tests::Answer {
    let path = format!("/v1/queues/{queue}/messages/pull");
    worker.client.post(&path, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_follows_the_pull_protocol() {
    let turn = turn().await;
    empty_queue(&turn).await;
    let worker = turn.worker("w-dialect");
    let (alice, _events) = turn.user("worker-pull", "dialect").await;
    for (queue, body) in [
        ("media-jobs", json!({"batch_size": 0})),
        ("media-jobs", json!({"batch_size": 101})),
    ] {
        pull_raw(&worker, queue, &body)
            .await
            .expect_problem(400, "request_invalid");
    }
    pull_raw(&worker, "other", &json!({}))
        .await
        .expect_problem(404, "not_found");
    worker
        .client
        .post("/v1/queues/other/messages/ack", &json!({"acks": []}))
        .await
        .expect_problem(404, "not_found");
    let empty = worker
        .client
        .send(
            reqwest::Method::POST,
            "/v1/queues/media-jobs/messages/pull",
            None,
        )
        .await
        .expect(200);
    assert_eq!(empty["result"]["message_backlog_count"], 0);
    assert_eq!(
        empty["result"]["metadata"]["metrics"],
        json!({"backlog_count": 0, "backlog_bytes": 0, "oldest_message_timestamp_ms": null})
    );

    let mut jobs = Vec::new();
    for _ in 0..3 {
        let created = upload_video(&alice, "public").await;
        // One at a time, so that their order is known.
        jobs.push(created);
        let started = Instant::now();
        let pull = json!({"wait_ms": 20_000, "visibility_timeout": 0});
        while worker.pull(&pull).await.len() < jobs.len() {
            assert!(started.elapsed() < Duration::from_secs(20));
        }
    }
    let two = worker
        .pull(&json!({"batch_size": 2, "visibility_timeout": 1_000}))
        .await;
    let pulled: Vec<String> = two.iter().map(job_of).collect();
    assert_eq!(pulled, [jobs[0].job_id.clone(), jobs[1].job_id.clone()]);
    let rest = pull_raw(&worker, "media-jobs", &json!({}))
        .await
        .expect(200);
    let result = &rest["result"];
    assert_eq!(result["message_backlog_count"], 3);
    let metrics = &result["metadata"]["metrics"];
    assert_eq!(metrics["backlog_count"], 3);
    assert!(metrics["backlog_bytes"].as_u64() > Some(100));
    assert_eq!(
        metrics["oldest_message_timestamp_ms"],
        two[0]["timestamp_ms"]
    );
    assert_eq!(job_of(&result["messages"][0]), jobs[2].job_id);
    // Cancelling a job removes its hint.
    cancel_all(&alice, &jobs).await;
    let after = pull_raw(&worker, "media-jobs", &json!({"wait_ms": 1_000})).await;
    assert_eq!(after.expect(200)["result"]["message_backlog_count"], 0);
}
