//! Native workers that die, freeze and wake up, and jobs that are stopped.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Client, Clip, Created, Options, Stack, clip};

use super::{end, follow, playback, upload, url};

/// A lease that runs out while one waits, and a worker that notices a frozen encoder soon.
fn options(workers: usize) -> Options {
    Options::new().var("LEASE_MS", "4000").workers(workers)
}

/// Waits until `look` sees what it wants; what is awaited has no event of its own.
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

/// What lies in the public bucket of one asset, by the attempt that wrote it.
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

/// Every visible output is of one attempt, and everything in it decodes.
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
    let film = playback(client, created).await;
    let hls = url(&film, "hls_url");
    assert_eq!(clip::warnings(hls), "");
    assert_eq!(clip::warnings(url(&film, "mp4_url")), "");
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
async fn a_worker_that_is_killed_again_and_again_leaves_one_whole_set() {
    let stack = Stack::start(options(2));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let film = Clip::film(1280, 720, 25, 20);
    let created = upload(&alice, &film).await;
    for round in 0..10_u64 {
        events
            .next_of("processing_started", &created.asset_id)
            .await;
        let moment = Duration::from_millis(round * 397 % 2_500);
        let _ = tokio::time::timeout(moment, std::future::pending::<()>()).await;
        let job = alice.job(&created.job_id).await.expect(200);
        assert_eq!(job["state"], "running", "the film is too short: {job}");
        for id in stack.processes("native-worker") {
            stack.kill_process(id);
        }
    }
    events
        .next_of("processing_started", &created.asset_id)
        .await;
    let complete = |event: &tests::Event| event.is("processing_complete", &created.asset_id);
    let _ = events.next_matching("success in the end", complete).await;
    let attempt = check_one_set(&alice, &created).await;
    // What the dead left behind is removed, once nobody can be writing it any more.
    let started = Instant::now();
    while prefixes(&stack, &created).await != BTreeSet::from([attempt.clone()]) {
        assert!(
            started.elapsed() < Duration::from_mins(4),
            "leftovers stay: {:?}",
            prefixes(&stack, &created).await
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_while_it_waits_costs_no_time() {
    let stack = Stack::start(options(2));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let film = Clip::film(320, 180, 25, 1);
    for round in 0..2 {
        let waiting = stack.processes("native-worker");
        assert!(!waiting.is_empty());
        let created = alice
            .create(&film.name, film.content_type, film.bytes.len())
            .await;
        let _ = alice
            .put(&created.upload, film.bytes.clone())
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
        until("a worker in its place", Duration::from_mins(1), || {
            (stack.processes("native-worker").len() == 2).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_sleeps_through_its_lease_changes_nothing() {
    let stack = Stack::start(options(2));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let created = upload(&alice, &Clip::film(1280, 720, 25, 20)).await;
    events
        .next_of("processing_progress", &created.asset_id)
        .await;
    let sleeper = working(&stack).await;
    stack.suspend_process(sleeper);
    // Its encoder sleeps, too, as with a machine that is suspended.
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
    // It notices, and is ready for the next job.
    until("the end of the old encoder", Duration::from_mins(1), || {
        stack.processes("ffmpeg").is_empty().then_some(())
    })
    .await;
    let next = upload(&alice, &Clip::film(320, 180, 25, 1)).await;
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
async fn a_cancelled_film_stops_its_encoder_at_once() {
    let stack = Stack::start(options(1));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let created = upload(&alice, &Clip::film(1280, 720, 30, 30)).await;
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
    let film = playback(&alice, &created).await;
    assert_eq!(
        (&film["hls_url"], &film["mp4_url"]),
        (&Value::Null, &Value::Null)
    );
    // Nothing of it follows: the next film's events come, and none of this one.
    let next = upload(&alice, &Clip::film(320, 180, 25, 1)).await;
    assert_eq!(end(&mut events, &next).await.name, "processing_complete");
    assert_eq!(
        events.names_of(&created.asset_id).last(),
        Some(&"job_cancelled")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_encoder_makes_no_progress_and_is_ended() {
    let stack = Stack::start(options(1).worker_var("NATIVE_WORKER_STALL_MS", "4000"));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let created = upload(&alice, &Clip::film(1280, 720, 30, 30)).await;
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
        "the end of the frozen encoder",
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
    assert!(grown < 0.15, "a frozen encoder cannot go on by {grown}");
    let job = alice.job(&created.job_id).await.expect(200);
    assert_eq!(
        job["attempts"][0]["error"]["code"], "encode_stalled",
        "{job}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_asked_to_stop_gives_its_job_back() {
    let stack = Stack::start(options(1).worker_var("NATIVE_WORKER_DRAIN_MS", "500"));
    let alice = stack.client("alice");
    let mut events = follow(&alice).await;
    let created = upload(&alice, &Clip::film(1280, 720, 30, 20)).await;
    let worker = working(&stack).await;
    stack.terminate_process(worker);
    let event = end(&mut events, &created).await;
    assert_eq!(event.name, "processing_complete", "{}", event.data);
    let job = alice.job(&created.job_id).await.expect(200);
    assert_eq!(job["attempts"].as_array().map(Vec::len), Some(2), "{job}");
    assert_eq!(
        job["attempts"][0]["error"],
        Value::Null,
        "a release is no failure: {job}"
    );
    check_one_set(&alice, &created).await;
}
