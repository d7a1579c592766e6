//! The uploads: straight into the bucket by the signed URL, a few files at a time.

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
    let media_type = source.media_type.as_str();
    let created = client.create(&source.name, media_type, source.size_bytes)?;
    let asset_id = created.asset.id;
    let _ = sender.send(Happening::Created { index, asset_id });
    client.put(
        &created.upload,
        source.size_bytes,
        || Ok(File::open(&source.path)?),
        |sent_bytes| {
            let _ = sender.send(Happening::Sent { index, sent_bytes });
        },
    )?;
    let at = Instant::now();
    let _ = sender.send(Happening::Uploaded { index, at });
    client.complete(asset_id)?;
    if source.is_played() {
        playable::watch(client.clone(), index, asset_id, at, sender.clone());
    }
    Ok(())
}
