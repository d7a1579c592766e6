//! An image that crashes the codec, among thirty others: no other job or stream is affected.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use image::ImageFormat;
use tests::{Client, Events, Options, Stack};

use crate::images::{Photo, landscape, made};
use crate::log;

/// Size of the file on which the codec traps.
const TRAP_BYTES: usize = 43_210;

/// Heartbeats come after 15 s of silence.
const SILENCE_MAX: Duration = Duration::from_millis(16_500);

/// Long enough for two heartbeats.
const IDLE: Duration = Duration::from_secs(35);

async fn watch(stack: &Stack, user: &str) -> Events {
    let mut events = stack.client(user).events("", None).await;
    events.first("snapshot").await;
    events
}

/// The longest silence of a stream so far.
fn silence(events: &Events) -> Duration {
    let lines = events.lines();
    let mut times: Vec<Instant> = lines.iter().map(|line| line.at).collect();
    times.push(Instant::now());
    times
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap()
}

/// Polls `/healthz` until `stop` is sent; returns the longest response time.
async fn watch_health(client: Client, mut stop: tokio::sync::oneshot::Receiver<()>) -> Duration {
    let mut longest = Duration::ZERO;
    while stop.try_recv().is_err() {
        let asked = Instant::now();
        let _ = client.get("/healthz").await.expect(200);
        longest = longest.max(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    longest
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stderr,
    reason = "a measurement for the reader; no assertion depends on it"
)]
async fn a_codec_trap_fails_one_job_and_no_stream() {
    let stack = Stack::start(Options::new().var("FAULTS", &format!("trap_size={TRAP_BYTES}")));
    let alice = stack.client("alice");
    let mut events = watch(&stack, "alice").await;
    let mut idle = watch(&stack, "bob").await;
    let began = Instant::now();
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let health = tokio::spawn(watch_health(stack.client("carol"), stopped));

    let trap = made(200, 100, ImageFormat::Jpeg).padded(TRAP_BYTES);
    let images: Vec<Photo> = (0..32)
        .map(|number| match number {
            8 | 20 => trap.clone(),
            _ => landscape(number % 8 + 1),
        })
        .collect();
    let uploads = join_all(images.iter().map(|image| image.upload(&alice))).await;
    let ids: Vec<&str> = uploads
        .iter()
        .map(|created| created.asset_id.as_str())
        .collect();
    events
        .all_of(&["processing_complete", "processing_failed"], &ids)
        .await;

    for (image, created) in images.iter().zip(&uploads) {
        if image.bytes.len() == TRAP_BYTES {
            assert_eq!(
                log::check_life(events.seen(), &created.asset_id, "processing_failed"),
                1
            );
            let job = alice.job(&created.job_id).await.expect(200);
            assert_eq!(job["error"]["code"], "image_codec_trapped", "{job}");
            assert_eq!(job["attempts"].as_array().unwrap().len(), 1, "{job}");
        } else {
            assert_eq!(
                log::check_life(events.seen(), &created.asset_id, "processing_complete"),
                1
            );
        }
    }
    log::check_gapless(events.seen());
    let worked = began.elapsed();

    tokio::time::sleep(IDLE.saturating_sub(began.elapsed())).await;
    assert!(idle.comments().len() >= 2, "{:?}", idle.lines());
    for (name, stream) in [("busy", &events), ("idle", &idle)] {
        let silence = silence(stream);
        assert!(
            silence <= SILENCE_MAX,
            "the {name} stream was silent for {silence:?}"
        );
    }
    // Both are still open.
    for (user, stream) in [("alice", &mut events), ("bob", &mut idle)] {
        let created = stack
            .client(user)
            .create("later.png", "image/png", 10)
            .await;
        stream.next_of("upload_started", &created.asset_id).await;
    }
    let _ = stop.send(());
    let longest = health.await.unwrap();
    eprintln!("32 images took {worked:?}; meanwhile /healthz answered within {longest:?}");
}
