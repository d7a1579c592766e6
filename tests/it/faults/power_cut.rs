//! Power cuts: nothing that was acknowledged is lost, and no event is published twice.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Created, Event, Events, Options, Stack};

use crate::images::{Photo, check_outputs, landscape, made};
use crate::log;

/// Time for the lease of a dead worker, the delay before the next attempt, and the remaining work.
const PATIENCE: Duration = Duration::from_mins(3);

fn album(count: u8) -> Vec<Photo> {
    (0..count)
        .map(|number| match number % 3 {
            0 => landscape(number % 8 + 1),
            _ => made(500 + u32::from(number), 400, ImageFormat::Jpeg),
        })
        .collect()
}

async fn upload_all(client: &Client, album: &[Photo]) -> Vec<Created> {
    join_all(album.iter().map(|photo| photo.upload(client))).await
}

/// Number of attempts whose lease expired.
async fn dead_attempts(client: &Client, uploads: &[Created]) -> usize {
    let mut dead = 0;
    for created in uploads {
        let job = client.job(&created.job_id).await.expect(200);
        let attempts = job["attempts"].as_array().unwrap();
        let codes = attempts
            .iter()
            .map(|attempt| attempt["error"]["code"].as_str());
        assert_eq!(codes.clone().next_back(), Some(None), "{job}");
        dead += codes.filter(|code| *code == Some("lease_expired")).count();
    }
    dead
}

/// A user's client that follows the log through every cut.
struct Reader {
    /// Every event of every connection, in order.
    seen: Vec<Event>,
    stream: Events,
}

impl Reader {
    async fn start(stack: &Stack, user: &str) -> Self {
        let mut stream = stack.client(user).events("", None).await.patient(PATIENCE);
        stream.first("snapshot").await;
        Self {
            seen: Vec::new(),
            stream,
        }
    }

    /// Reads the old connection to its end and resumes after its last event.
    async fn reconnect(&mut self, stack: &Stack, user: &str) {
        self.stream.closed_within(Duration::from_secs(10)).await;
        let last = self.stream.last_id().unwrap().to_owned();
        let stream = stack
            .client(user)
            .events("", Some(&last))
            .await
            .patient(PATIENCE);
        let before = std::mem::replace(&mut self.stream, stream);
        self.seen.extend(before.seen().to_vec());
    }

    /// Everything so far.
    fn all(&self) -> Vec<Event> {
        [self.seen.as_slice(), self.stream.seen()].concat()
    }

    /// Waits for the end of each asset, over all connections.
    async fn ends(&mut self, uploads: &[Created]) {
        for created in uploads {
            let ended = |event: &Event| {
                event.is("processing_complete", &created.asset_id)
                    || event.is("processing_failed", &created.asset_id)
            };
            if !self.seen.iter().chain(self.stream.seen()).any(ended) {
                self.stream
                    .next_matching(&format!("the end of {}", created.asset_id), ended)
                    .await;
            }
        }
    }

    fn check(&self, uploads: &[Created]) {
        let all = self.all();
        assert!(all.iter().all(|event| event.name != "reset"));
        log::check_gapless(&all);
        log::check_unique(&all);
        for created in uploads {
            let _ = log::check_life(&all, &created.asset_id, "processing_complete");
        }
    }
}

/// Cuts the power and restores it.
fn cut(stack: &mut Stack) {
    stack.kill_hard();
    stack.restart();
}

/// Waits for the moment of a cut: the `count`-th event `name`.
async fn wait_for(reader: &mut Reader, name: &str, count: usize) {
    for _ in 0..count {
        reader
            .stream
            .next_matching(name, |event| event.name == name)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_survive_power_cuts_at_every_stage() {
    let mut stack = Stack::start(Options::new().var("LEASE_MS", "3000"));
    let mut reader = Reader::start(&stack, "alice").await;
    let mut uploads = Vec::new();
    for (name, count) in [
        ("processing_started", 1),
        ("processing_complete", 4),
        ("processing_progress", 12),
        ("upload_complete", 3),
    ] {
        let album = album(12);
        let created = upload_all(&stack.client("alice"), &album).await;
        wait_for(&mut reader, name, count).await;
        cut(&mut stack);
        reader.reconnect(&stack, "alice").await;
        reader.ends(&created).await;
        let client = stack.client("alice");
        for (photo, created) in album.iter().zip(&created) {
            check_outputs(&client, &created.asset_id, photo).await;
        }
        uploads.extend(created);
    }
    reader.check(&uploads);
    let dead = dead_attempts(&stack.client("alice"), &uploads).await;
    assert!(dead > 0, "every cut fell between two jobs");

    // Another reader gets the same events from the start of the log.
    let all = reader.all();
    let generation = all[1].id.split_once('-').unwrap().0.to_owned();
    let mut again = stack
        .client("alice")
        .events("", Some(&format!("{generation}-0")))
        .await;
    let last = all.last().unwrap();
    again
        .next_matching("the last event", |event| event.id == last.id)
        .await;
    let entries_of = |events: &[Event]| -> Vec<(String, Value)> {
        let entries = events.iter().filter(|event| event.name != "snapshot");
        entries
            .map(|event| (event.id.clone(), event.data.clone()))
            .collect()
    };
    assert_eq!(entries_of(again.seen()), entries_of(&all));
}

#[tokio::test(flavor = "multi_thread")]
async fn power_cuts_between_the_steps_of_an_upload() {
    let mut stack = Stack::start(Options::new().var("LEASE_MS", "3000"));
    let mut reader = Reader::start(&stack, "alice").await;
    let photo = landscape(3);
    let alice = stack.client("alice");
    // One asset that is created, one that is also stored, one that is also completed right before the cut.
    let registered = alice
        .create("1.jpg", photo.content_type, photo.bytes.len())
        .await;
    let stored = alice
        .create("2.jpg", photo.content_type, photo.bytes.len())
        .await;
    let _ = alice
        .put(&stored.upload, photo.bytes.clone())
        .await
        .expect(200);
    let acknowledged = alice
        .create("3.jpg", photo.content_type, photo.bytes.len())
        .await;
    let _ = alice
        .put(&acknowledged.upload, photo.bytes.clone())
        .await
        .expect(200);
    let _ = alice.complete(&acknowledged.asset_id).await.expect(202);
    cut(&mut stack);

    let alice = stack.client("alice");
    alice
        .complete(&registered.asset_id)
        .await
        .expect_problem(409, "upload_missing");
    let _ = alice
        .put(&registered.upload, photo.bytes.clone())
        .await
        .expect(200);
    assert_eq!(
        alice.put(&stored.upload, photo.bytes.clone()).await.status,
        412
    );
    for created in [&registered, &stored, &acknowledged] {
        let _ = alice.complete(&created.asset_id).await.expect(202);
    }
    reader.reconnect(&stack, "alice").await;
    let uploads = [registered, stored, acknowledged];
    reader.ends(&uploads).await;
    reader.check(&uploads);
    for created in &uploads {
        check_outputs(&alice, &created.asset_id, &photo).await;
    }
}

/// Uploads a photo, and repeats each step until it is answered.
async fn upload_with_retries(client: Client, photo: Photo) -> Created {
    let deadline = Instant::now() + PATIENCE;
    let body = json!({"filename": photo.name, "content_type": photo.content_type, "size_bytes": photo.bytes.len()});
    let pause = || async {
        assert!(
            Instant::now() < deadline,
            "the service does not answer again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let created = loop {
        match client
            .try_send(Method::POST, "/v1/assets", Some(&body))
            .await
        {
            Some(answer) if answer.status == 201 => break Created::of(&answer),
            Some(_) | None => pause().await,
        }
    };
    loop {
        let answer = client.try_put(&created.upload, photo.bytes.clone()).await;
        if answer.is_some_and(|answer| [200, 412].contains(&answer.status)) {
            break;
        }
        pause().await;
    }
    let path = format!("/v1/assets/{}/complete", created.asset_id);
    loop {
        let answer = client.try_send(Method::POST, &path, None).await;
        if answer.is_some_and(|answer| answer.status == 202) {
            return created;
        }
        pause().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_in_the_middle_of_twelve_uploads() {
    let mut stack = Stack::start(Options::new().var("LEASE_MS", "3000"));
    let mut reader = Reader::start(&stack, "alice").await;
    let mut uploads = Vec::new();
    for moment in ["upload_started", "upload_complete"] {
        let client = stack.client("alice");
        let running: Vec<_> = album(12)
            .into_iter()
            .map(|photo| tokio::spawn(upload_with_retries(client.clone(), photo)))
            .collect();
        wait_for(&mut reader, moment, 5).await;
        cut(&mut stack);
        reader.reconnect(&stack, "alice").await;
        let mut created = Vec::new();
        for upload in running {
            created.push(upload.await.unwrap());
        }
        reader.ends(&created).await;
        uploads.extend(created);
    }
    reader.check(&uploads);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_with_the_default_lease() {
    let mut stack = Stack::start(Options::new());
    let mut reader = Reader::start(&stack, "alice").await;
    let alice = stack.client("alice");
    let mut uploads = Vec::new();
    // On a fast machine the cut may fall between two jobs, which proves nothing about leases; then try again.
    for _ in 0..6 {
        let from = uploads.len();
        for _ in 0..3 {
            uploads.push(made(6_000, 4_000, ImageFormat::Jpeg).upload(&alice).await);
        }
        let first = uploads[from].asset_id.clone();
        reader.stream.next_of("processing_started", &first).await;
        cut(&mut stack);
        reader.reconnect(&stack, "alice").await;
        reader.ends(&uploads).await;
        reader.check(&uploads);
        let dead = dead_attempts(&stack.client("alice"), &uploads).await;
        assert!(dead <= 1, "one cut, {dead} dead attempts");
        if dead == 1 {
            return;
        }
    }
    panic!("every cut fell between two jobs");
}
