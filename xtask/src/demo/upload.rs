//! The uploads: straight into the bucket by the signed URL, a few files at a time.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::input::Source;
use super::playable;
use super::state::Happening;
use crate::client::Client;

/// Files that are uploaded at once.
const PARALLEL: usize = 4;

/// Starts to upload all `sources`; what happens goes to `sender`.
pub(super) fn start(client: &Client, sources: &[Source], sender: &Sender<Happening>) {
    let queue: VecDeque<(usize, Source)> = sources.iter().cloned().enumerate().collect();
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..PARALLEL.min(sources.len()) {
        let (client, queue, sender) = (client.clone(), Arc::clone(&queue), sender.clone());
        std::thread::spawn(move || {
            while let Some((index, source)) = next(&queue) {
                if let Err(error) = upload(&client, index, &source, &sender) {
                    let _ = sender.send(Happening::Failed {
                        index,
                        reason: format!("{error:#}"),
                    });
                }
            }
        });
    }
}

fn next(queue: &Mutex<VecDeque<(usize, Source)>>) -> Option<(usize, Source)> {
    queue.lock().ok()?.pop_front()
}

fn upload(
    client: &Client,
    index: usize,
    source: &Source,
    sender: &Sender<Happening>,
) -> Result<()> {
    let media_type = source.media_type().as_str();
    let created = client.create(source.name(), media_type, source.size_bytes())?;
    let asset_id = created.asset.id;
    let _ = sender.send(Happening::Created { index, asset_id });
    client.put(&created.upload, source.size_bytes(), || {
        let file = File::open(source.path())
            .with_context(|| format!("cannot read {}", source.path().display()))?;
        Ok(Counted {
            file,
            index,
            sent_bytes: 0,
            sender,
        })
    })?;
    let at = Instant::now();
    let _ = sender.send(Happening::Uploaded { index, at });
    client.complete(asset_id)?;
    if source.is_played() {
        playable::watch(client.clone(), index, asset_id, at, sender.clone());
    }
    Ok(())
}

/// A file that reports how much of it was read.
struct Counted<'a> {
    file: File,
    index: usize,
    sent_bytes: u64,
    sender: &'a Sender<Happening>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.sent_bytes += u64::try_from(count).unwrap_or_default();
        let _ = self.sender.send(Happening::Sent {
            index: self.index,
            sent_bytes: self.sent_bytes,
        });
        Ok(count)
    }
}
