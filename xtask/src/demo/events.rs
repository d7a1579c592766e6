//! The event stream of the demo, read in a thread of its own.

use std::sync::mpsc::Sender;

use anyhow::{Context as _, Result, bail};

use super::state::Happening;
use client::{Client, sse};

/// Follows the stream until the receiver is gone. The first message is that the stream is open, an error the last.
pub(super) fn follow(client: Client, sender: Sender<Happening>) {
    std::thread::spawn(move || {
        if let Err(error) = forward(&client, &sender) {
            let _ = sender.send(Happening::StreamFailed(format!("{error:#}")));
        }
    });
}

fn forward(client: &Client, sender: &Sender<Happening>) -> Result<()> {
    let events = client.events(None)?;
    let mut is_received = sender.send(Happening::StreamOpen).is_ok();
    for event in events {
        if !is_received {
            break;
        }
        is_received = sender.send(parse(&event?)?).is_ok();
    }
    Ok(())
}

fn parse(event: &sse::Event) -> Result<Happening> {
    let parsed = match event.name.as_str() {
        "reset" => bail!("the log no longer has the next event: {}", event.data),
        "snapshot" => serde_json::from_str(&event.data).map(Happening::Snapshot),
        _ => serde_json::from_str(&event.data).map(Happening::Event),
    };
    parsed.with_context(|| {
        format!(
            "not an event of the contract: {} {}",
            event.name, event.data
        )
    })
}
