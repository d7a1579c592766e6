//! Files on their way: uploaded a few at a time, and followed by their events until each is ready or has failed.

mod playable;
mod progress;
mod upload;

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use shared::asset::media::MediaType;
use shared::event::{Event, Snapshot};
use shared::id::AssetId;
use shared::kind::AssetKind;

pub use self::progress::Progress;

use crate::Client;
use crate::sse::{self, Events};

/// A file to upload.
#[derive(Debug, Clone)]
pub struct File {
    pub path: PathBuf,
    /// Its name, without folders.
    pub name: String,
    pub media_type: MediaType,
    pub size_bytes: u64,
}

impl File {
    /// Whether it is video or audio.
    pub fn is_played(&self) -> bool {
        match self.media_type.kind() {
            AssetKind::Video | AssetKind::Audio => true,
            AssetKind::Image | AssetKind::Document | AssetKind::Package => false,
        }
    }
}

/// Something that happened. Files are named by their index.
#[derive(Debug)]
pub enum Update {
    /// The event stream cannot be resumed.
    StreamFailed(String),
    /// An event of the log.
    Event(Box<Event>),
    /// What was in progress when the stream began.
    Snapshot(Snapshot),
    /// A file was registered.
    Created { index: usize, asset_id: AssetId },
    /// Bytes of a file were sent.
    Sent { index: usize, sent_bytes: u64 },
    /// A file is in the bucket; its upload is about to be confirmed.
    Uploaded { index: usize, at: Instant },
    /// A video or audio file can be played, from what, and how long after its upload.
    Playable {
        index: usize,
        what: &'static str,
        after: Duration,
    },
    /// A file will not become ready.
    Failed { index: usize, reason: String },
}

/// Opens the event stream, so that no event is missed, and starts to upload `files`, all in threads of their own. Dropping the
/// receiver ends them.
///
/// # Errors
///
/// When the event stream cannot be opened.
pub fn start(client: &Client, files: &[File]) -> Result<Receiver<Update>> {
    let events = client.events(None)?;
    let (sender, receiver) = mpsc::channel();
    let updates = sender.clone();
    std::thread::spawn(move || {
        if let Err(error) = follow(events, &updates) {
            let _ = updates.send(Update::StreamFailed(format!("{error:#}")));
        }
    });
    upload::start(client, files, &sender);
    Ok(receiver)
}

fn follow(events: Events, sender: &Sender<Update>) -> Result<()> {
    for event in events {
        if sender.send(parse(&event?)?).is_err() {
            break;
        }
    }
    Ok(())
}

fn parse(event: &sse::Event) -> Result<Update> {
    let sse::Event { name, data, .. } = event;
    let parsed = match name.as_str() {
        "reset" => bail!("the log no longer has the next event: {data}"),
        "snapshot" => serde_json::from_str(data).map(Update::Snapshot),
        _ => serde_json::from_str(data).map(Update::Event),
    };
    parsed.with_context(|| format!("not an event of the contract: {name} {data}"))
}
