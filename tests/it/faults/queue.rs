//! A queue that loses, duplicates and reorders messages delays jobs but loses none.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use image::ImageFormat;
use tests::{Client, Created, Options, Stack};

use crate::images::{check_outputs, landscape, made};
use crate::log;

/// A lost message is sent again after 15 s; of twenty, some are lost more than once.
const PATIENCE: Duration = Duration::from_mins(4);

/// Checks that all objects of an asset belong to one attempt.
async fn check_published_once(stack: &Stack, client: &Client, created: &Created) {
    let asset = client.asset(&created.asset_id).await.expect(200);
    let urls = asset["outputs"].as_array().unwrap().iter();
    let keys: BTreeSet<String> = urls
        .map(|output| {
            output["url"]
                .as_str()
                .unwrap()
                .split_once("/media/")
                .unwrap()
                .1
                .to_owned()
        })
        .collect();
    let stored = stack
        .public_bucket()
        .keys(&format!("m/{}/", created.asset_id))
        .await;
    assert_eq!(keys, stored.into_iter().collect());
    assert_eq!(keys.len(), 4);
}

async fn twenty_photos(faults: &str) {
    let stack = Stack::start(Options::new().var("FAULTS", faults));
    let alice = stack.client("alice");
    let mut events = alice.events("", None).await.patient(PATIENCE);
    events.first("snapshot").await;
    let uploads = join_all((0..20).map(|number| {
        let photo = if number % 4 == 0 {
            landscape(6)
        } else {
            made(400 + number, 300, ImageFormat::Jpeg)
        };
        let alice = alice.clone();
        async move { (photo.upload(&alice).await, photo) }
    }))
    .await;
    let ids: Vec<&str> = uploads
        .iter()
        .map(|(created, _)| created.asset_id.as_str())
        .collect();
    events
        .all_of(&["processing_complete", "processing_failed"], &ids)
        .await;

    // Messages that are still on their way must not start an attempt.
    let last = made(10, 10, ImageFormat::Png).upload(&alice).await;
    events.next_of("processing_complete", &last.asset_id).await;
    log::check_gapless(events.seen());
    log::check_unique(events.seen());
    for (created, photo) in &uploads {
        let attempts = log::check_life(events.seen(), &created.asset_id, "processing_complete");
        assert_eq!(attempts, 1, "a duplicate message must not start an attempt");
        let job = alice.job(&created.job_id).await.expect(200);
        assert_eq!(job["attempts"].as_array().unwrap().len(), 1, "{job}");
        check_outputs(&alice, &created.asset_id, photo).await;
        check_published_once(&stack, &alice, created).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_messages() {
    twenty_photos("queue_drop").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicated_and_reordered_messages() {
    twenty_photos("queue_double,queue_shuffle").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_duplicated_and_reordered_messages() {
    twenty_photos("queue_drop,queue_double,queue_shuffle").await;
}
