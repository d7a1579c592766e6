//! A user's events with the times at which they arrived.

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use client::Client;
use client::sse;
use shared::event::{Event, EventType};
use shared::id::AssetId;

/// An event with the time at which the client received it.
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) event: Event,
}

/// Reads the event stream in a thread of its own.
pub(crate) struct Watcher {
    seen: Receiver<Result<Seen>>,
}

impl Watcher {
    /// Opens the stream; nothing that happens after this is missed.
    pub(crate) fn start(client: &Client) -> Result<Self> {
        let mut events = client.events(None)?;
        // The snapshot.
        events.next().context("the event stream is empty")??;
        let (sender, seen) = mpsc::channel();
        std::thread::spawn(move || {
            for event in events {
                let at = Instant::now();
                let seen = event.and_then(parse).map(|event| Seen { at, event });
                if sender.send(seen).is_err() {
                    return;
                }
            }
        });
        Ok(Self { seen })
    }

    /// The next event of any asset.
    pub(crate) fn next(&self, patience: Duration) -> Result<Seen> {
        self.seen
            .recv_timeout(patience)
            .context("no event arrived in time")?
    }

    /// All events of an asset from now until it is processed; an error if it is not within `patience`.
    pub(crate) fn until_complete(&self, id: AssetId, patience: Duration) -> Result<Vec<Seen>> {
        let started = Instant::now();
        let mut events = Vec::new();
        loop {
            let seen = self.next(patience.saturating_sub(started.elapsed()))?;
            if seen.event.asset_id != id {
                continue;
            }
            let event_type = seen.event.event_type;
            if let Some(error) = &seen.event.error {
                bail!("{id} ended with {event_type}: {}", error.detail);
            }
            events.push(seen);
            if event_type == EventType::ProcessingComplete {
                return Ok(events);
            }
            if event_type.ends_job() {
                bail!("{id} ended with {event_type}");
            }
        }
    }
}

fn parse(event: sse::Event) -> Result<Event> {
    let sse::Event { name, data, .. } = event;
    serde_json::from_str(&data).with_context(|| format!("an unexpected event: {name} {data}"))
}
