//! The uploads: straight into the bucket by the signed URL, a few files at a time.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use anyhow::Result;
use client::Client;
use fs_err::File;

use super::input::Source;
use super::playable;
use super::state::Happening;

/// Files that are uploaded at once.
const PARALLEL: usize = 4;

/// Starts to upload all `sources`; what happens goes to `sender`.
pub(super) fn start(client: &Client, sources: &[Source], sender: &Sender<Happening>) {
    let sources: Arc<[Source]> = sources.into();
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..PARALLEL.min(sources.len()) {
        let (client, sender) = (client.clone(), sender.clone());
        let (sources, next) = (Arc::clone(&sources), Arc::clone(&next));
        std::thread::spawn(move || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(source) = sources.get(index) else {
                    return;
                };
                if let Err(error) = upload(&client, index, source, &sender) {
                    let reason = format!("{error:#}");
                    let _ = sender.send(Happening::Failed { index, reason });
                }
            }
        });
    }
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
        Ok(Counted {
            file: File::open(source.path())?,
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
