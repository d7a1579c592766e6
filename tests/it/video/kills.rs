//! Native workers that are killed, suspended and resumed, and jobs that are stopped.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Client, Clip, Created, Options, Stack, clip};

use super::{end, follow, playback, upload, url};

/// A lease short enough to wait for its end.
fn options(workers: usize) -> Options {
    Options::new().var("LEASE_MS", "4000").workers(workers)
}

/// Polls `look` until it returns something; for conditions that have no event.
async fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < limit,
            "{what} did not come within {limit:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Attempts that have objects of this asset in the public bucket.
async fn prefixes(stack: &Stack, created: &Created) -> BTreeSet<String> {
    let keys = stack
        .public_bucket()
        .keys(&format!("m/{}/", created.asset_id))
        .await;
    keys.iter()
        .filter_map(|key| key.split('/').nth(2))
        .map(str::to_owned)
        .collect()
}

/// Checks that every visible output belongs to one attempt and can be decoded.
async fn check_one_set(client: &Client, created: &Created) -> String {
    let asset = client.asset(&created.asset_id).await.expect(200);
    assert_eq!(asset["state"], "ready", "{asset}");
    let of = |output: &Value| {
        let url = output["url"].as_str().unwrap();
        url.split(&format!("/{}/", created.asset_id))
            .nth(1)
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .to_owned()
    };
    let attempts: BTreeSet<String> = asset["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(of)
        .collect();
    assert_eq!(attempts.len(), 1, "{asset}");
    let playback = playback(client, created).await;
    let hls = url(&playback, "hls_url");
    assert_eq!(clip::warnings(hls), "");
    assert_eq!(clip::warnings(url(&playback, "mp4_url")), "");
    let attempt = attempts.into_iter().next().unwrap();
    let parsed = clip::node("parse.mjs", &[hls]);
    for playlist in parsed["variants"]
        .as_array()
        .unwrap()
        .iter()
        .chain(parsed["renditions"].as_array().unwrap())
    {
        for segment in playlist["segments"].as_array().unwrap() {
            assert!(
                segment["url"].as_str().unwrap().contains(&attempt),
                "{segment}"
            );
        }
    }
    attempt
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_are_complete_after_repeated_kills() {
    let stack = Stack::start(options(2));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let clip = Clip::video(1280, 720, 25, 20);
    let created = upload(&alice, &clip).await;
    for round in 0..10_u64 {
        events
            .next_of("processing_started", &created.asset_id)
            .await;
        let moment = Duration::from_millis(round * 397 % 2_500);
        let _ = tokio::time::timeout(moment, std::future::pending::<()>()).await;
        let job = alice.job(&created.job_id).await.expect(200);
        assert_eq!(job["state"], "running", "the video is too short: {job}");
        for id in stack.processes("native-worker") {
            stack.kill_process(id);
        }
    }
    events
        .next_of("processing_started", &created.asset_id)
        .await;
    let complete = |event: &tests::Event| event.is("processing_complete", &created.asset_id);
    let _ = events.next_matching("the final success", complete).await;
    let attempt = check_one_set(&alice, &created).await;
    // Objects of killed attempts are removed once no worker can be writing them any more.
    let started = Instant::now();
    while prefixes(&stack, &created).await != BTreeSet::from([attempt.clone()]) {
        assert!(
            started.elapsed() < Duration::from_mins(4),
            "leftovers remain: {:?}",
            prefixes(&stack, &created).await
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_an_idle_worker_delays_no_job() {
    let stack = Stack::start(options(2));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let clip = Clip::video(320, 180, 25, 1);
    for round in 0..2 {
        let waiting = stack.processes("native-worker");
        assert!(!waiting.is_empty());
        let created = alice
            .create(&clip.name, clip.content_type, clip.bytes.len())
            .await;
        let _ = alice
            .put(&created.upload, clip.bytes.clone())
            .await
            .expect(200);
        let victim = waiting.into_iter().nth(round).unwrap_or_default();
        stack.kill_process(victim);
        let asked = Instant::now();
        let _ = alice.complete(&created.asset_id).await.expect(202);
        let started = events
            .next_of("processing_started", &created.asset_id)
            .await;
        let waited = started.at.saturating_duration_since(asked);
        assert!(waited < Duration::from_secs(6), "the job waited {waited:?}");
        assert_eq!(end(&mut events, &created).await.name, "processing_complete");
        until("the restarted worker", Duration::from_mins(1), || {
            (stack.processes("native-worker").len() == 2).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_outlived_its_lease_changes_nothing() {
    let stack = Stack::start(options(2));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let created = upload(&alice, &Clip::video(1280, 720, 25, 20)).await;
    events
        .next_of("processing_progress", &created.asset_id)
        .await;
    let sleeper = working(&stack).await;
    stack.suspend_process(sleeper);
    // The encoder is suspended as well, as when a machine is suspended.
    let encoders = stack.processes("ffmpeg");
    for id in &encoders {
        stack.suspend_process(*id);
    }
    let event = end(&mut events, &created).await;
    assert_eq!(event.name, "processing_complete", "{}", event.data);
    let before = alice.asset(&created.asset_id).await.expect(200);
    let attempt = check_one_set(&alice, &created).await;
    assert!(
        !attempt.starts_with("1-"),
        "the first attempt cannot have won: {attempt}"
    );
    for id in encoders {
        stack.resume_process(id);
    }
    stack.resume_process(sleeper);
    // The worker notices that its attempt is over and is ready for the next job.
    until("the end of the old encoder", Duration::from_mins(1), || {
        stack.processes("ffmpeg").is_empty().then_some(())
    })
    .await;
    let next = upload(&alice, &Clip::video(320, 180, 25, 1)).await;
    assert_eq!(end(&mut events, &next).await.name, "processing_complete");
    assert_eq!(
        outputs(&alice.asset(&created.asset_id).await.expect(200)),
        outputs(&before)
    );
    assert_eq!(check_one_set(&alice, &created).await, attempt);
}

fn outputs(asset: &Value) -> Value {
    json!([asset["outputs"], asset["ready_at"], asset["state"]])
}

/// The worker that has an encoder below it.
async fn working(stack: &Stack) -> u32 {
    until("a worker with an encoder", Duration::from_mins(1), || {
        stack
            .processes("native-worker")
            .into_iter()
            .find(|id| stack.has_child(*id, "ffmpeg"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_a_video_stops_its_encoder_at_once() {
    let stack = Stack::start(options(1));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let created = upload(&alice, &Clip::video(1280, 720, 30, 30)).await;
    working(&stack).await;
    events
        .next_of("processing_progress", &created.asset_id)
        .await;
    let _ = alice
        .post(&format!("/v1/jobs/{}/cancel", created.job_id), &Value::Null)
        .await
        .expect(202);
    let cancelled = Instant::now();
    until("the encoder's end", Duration::from_secs(5), || {
        stack.processes("ffmpeg").is_empty().then_some(())
    })
    .await;
    assert!(cancelled.elapsed() < Duration::from_secs(5));
    assert_eq!(end(&mut events, &created).await.name, "job_cancelled");
    let asset = alice.asset(&created.asset_id).await.expect(200);
    assert_eq!(
        (&asset["state"], &asset["outputs"]),
        (&"failed".into(), &json!([]))
    );
    let playback = playback(&alice, &created).await;
    assert_eq!(
        (&playback["hls_url"], &playback["mp4_url"]),
        (&Value::Null, &Value::Null)
    );
    // No event of the cancelled asset follows, only those of the next one.
    let next = upload(&alice, &Clip::video(320, 180, 25, 1)).await;
    assert_eq!(end(&mut events, &next).await.name, "processing_complete");
    assert_eq!(
        events.names_of(&created.asset_id).last(),
        Some(&"job_cancelled")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_encoder_is_stopped_and_the_job_retried() {
    let stack = Stack::start(options(1).worker_var("NATIVE_WORKER_STALL_MS", "4000"));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let created = upload(&alice, &Clip::video(1280, 720, 30, 30)).await;
    let encoding = |event: &tests::Event| {
        event.is("processing_progress", &created.asset_id)
            && event.data["progress"]["stage"] == "encode"
    };
    events
        .next_matching("the encoder's progress", encoding)
        .await;
    let frozen = stack.processes("ffmpeg");
    for id in &frozen {
        stack.suspend_process(*id);
    }
    let seen = events.seen().len();
    until(
        "the end of the stalled encoder",
        Duration::from_secs(30),
        || stack.processes("ffmpeg").is_disjoint(&frozen).then_some(()),
    )
    .await;
    let event = end(&mut events, &created).await;
    assert_eq!(event.name, "processing_complete", "{}", event.data);
    let first: Vec<f64> = events.seen()[seen..]
        .iter()
        .filter(|event| event.data["attempt"] == 1)
        .filter_map(|event| event.data["progress"]["ratio"].as_f64())
        .collect();
    let grown = first.last().unwrap_or(&0.0) - first.first().unwrap_or(&0.0);
    assert!(
        grown < 0.15,
        "a suspended encoder reported progress of {grown}"
    );
    let job = alice.job(&created.job_id).await.expect(200);
    assert_eq!(
        job["attempts"][0]["error"]["code"], "encode_stalled",
        "{job}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_terminated_releases_its_job() {
    let stack = Stack::start(options(1).worker_var("NATIVE_WORKER_DRAIN_MS", "500"));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let created = upload(&alice, &Clip::video(1280, 720, 30, 20)).await;
    let worker = working(&stack).await;
    stack.terminate_process(worker);
    let event = end(&mut events, &created).await;
    assert_eq!(event.name, "processing_complete", "{}", event.data);
    let job = alice.job(&created.job_id).await.expect(200);
    assert_eq!(job["attempts"].as_array().map(Vec::len), Some(2), "{job}");
    assert_eq!(
        job["attempts"][0]["error"],
        Value::Null,
        "a release is not a failure: {job}"
    );
    check_one_set(&alice, &created).await;
}
