//! The uploads: straight into the bucket by the signed URL, a few files at a time.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use shared::api::Upload;
use ureq::SendBody;

use super::client::{self, Client};
use super::input::Source;
use super::playable;
use super::state::Happening;

/// Files that are uploaded at once.
const PARALLEL: usize = 4;

/// Tries of one PUT: a bucket may break a connection off.
const TRIES_MAX: u32 = 3;

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
    let created = client.create(source)?;
    let asset_id = created.asset.id;
    let _ = sender.send(Happening::Created { index, asset_id });
    put(client, index, source, &created.upload, sender)?;
    let at = Instant::now();
    let _ = sender.send(Happening::Uploaded { index, at });
    client.complete(asset_id)?;
    if source.is_played() {
        playable::watch(client.clone(), index, asset_id, at, sender.clone());
    }
    Ok(())
}

fn put(
    client: &Client,
    index: usize,
    source: &Source,
    upload: &Upload,
    sender: &Sender<Happening>,
) -> Result<()> {
    let Upload::Single { url, headers, .. } = upload;
    let mut tries = 0;
    loop {
        tries += 1;
        let file = File::open(source.path())
            .with_context(|| format!("cannot read {}", source.path().display()))?;
        let mut body = Counted {
            file,
            index,
            sent_bytes: 0,
            sender,
        };
        let mut request = client
            .agent()
            .put(url)
            .header("content-length", source.size_bytes());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        match request.send(SendBody::from_reader(&mut body)) {
            // 412: an earlier try has arrived after all.
            Ok(answer) if answer.status().is_success() || answer.status() == 412 => return Ok(()),
            Ok(answer) if answer.status().is_client_error() || tries >= TRIES_MAX => {
                return Err(client::problem(answer)).context("the bucket refused the file");
            }
            Err(error) if tries >= TRIES_MAX => bail!("the upload broke off: {error}"),
            Ok(_) | Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
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
