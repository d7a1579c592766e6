//! The uploads: straight into the bucket by the signed URL, a few files at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use anyhow::Result;

use super::{File, Update, playable};
use crate::Client;

/// Files that are uploaded at once.
const PARALLEL: usize = 4;

/// Starts to upload all `files`; what happens goes to `sender`.
pub(super) fn start(client: &Client, files: &[File], sender: &Sender<Update>) {
    let files: Arc<[File]> = files.into();
    let next = Arc::new(AtomicUsize::new(0));
    for _ in 0..PARALLEL.min(files.len()) {
        let (client, sender) = (client.clone(), sender.clone());
        let (files, next) = (Arc::clone(&files), Arc::clone(&next));
        std::thread::spawn(move || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(file) = files.get(index) else {
                    return;
                };
                if let Err(error) = upload(&client, index, file, &sender) {
                    let reason = format!("{error:#}");
                    let _ = sender.send(Update::Failed { index, reason });
                }
            }
        });
    }
}

fn upload(client: &Client, index: usize, file: &File, sender: &Sender<Update>) -> Result<()> {
    let media_type = file.media_type.as_str();
    let created = client.create(&file.name, media_type, file.size_bytes)?;
    let asset_id = created.asset.id;
    let _ = sender.send(Update::Created { index, asset_id });
    client.put(
        &created.upload,
        file.size_bytes,
        || Ok(fs_err::File::open(&file.path)?),
        |sent_bytes| {
            let _ = sender.send(Update::Sent { index, sent_bytes });
        },
    )?;
    let at = Instant::now();
    let _ = sender.send(Update::Uploaded { index, at });
    client.complete(asset_id)?;
    if file.is_played() {
        playable::watch(client.clone(), index, asset_id, at, sender.clone());
    }
    Ok(())
}
