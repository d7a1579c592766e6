//! Video and audio from upload to player, through the native worker.

mod images;
mod inputs;
mod kills;
mod player;
mod private;
mod refused;
mod renditions;

use std::time::Duration;

use serde_json::Value;
use tests::{Client, Clip, Created, Event, Events};

/// Longest wait for one event of a video: the cores may be encoding another one.
const PATIENCE: Duration = Duration::from_mins(4);

/// Opens the user's stream.
async fn follow(client: &Client) -> Events {
    let mut events = client.events("", None).await.patient(PATIENCE);
    events.first("snapshot").await;
    events
}

/// Uploads a clip.
async fn upload(client: &Client, clip: &Clip) -> Created {
    client
        .upload(&clip.name, clip.content_type, clip.bytes.clone())
        .await
}

/// The event that ends the asset's job.
async fn end(events: &mut Events, created: &Created) -> Event {
    let ended = |event: &Event| {
        ["processing_complete", "processing_failed", "job_cancelled"]
            .iter()
            .any(|name| event.is(name, &created.asset_id))
    };
    if let Some(event) = events.seen().iter().find(|event| ended(event)) {
        return event.clone();
    }
    events
        .next_matching(&format!("the end of {}", created.asset_id), ended)
        .await
}

/// Uploads a clip and waits for its success; returns the playback document.
async fn make(client: &Client, events: &mut Events, clip: &Clip) -> (Created, Value) {
    let created = upload(client, clip).await;
    let event = end(events, &created).await;
    assert_eq!(
        event.name, "processing_complete",
        "{}: {}",
        clip.name, event.data
    );
    let playback = playback(client, &created).await;
    (created, playback)
}

/// The playback document.
async fn playback(client: &Client, created: &Created) -> Value {
    client
        .get(&format!("/v1/assets/{}/playback", created.asset_id))
        .await
        .expect(200)
}

/// A URL of a document.
fn url<'a>(document: &'a Value, name: &str) -> &'a str {
    document[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} is missing: {document}"))
}

/// Duration that ffprobe finds, in seconds.
fn seconds(probe: &Value) -> f64 {
    probe["format"]["duration"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no duration: {probe}"))
}

/// Streams of a type that ffprobe finds.
fn streams<'a>(probe: &'a Value, kind: &str) -> Vec<&'a Value> {
    let all = probe["streams"].as_array().into_iter().flatten();
    all.filter(|stream| stream["codec_type"] == kind).collect()
}
