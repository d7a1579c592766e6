//! The state of a run: which file became which asset, and how far each is.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use fs_err as fs;
use shared::event::{Event, EventType, Snapshot};
use shared::id::AssetId;

use crate::lock::Lock;

/// Something that one of the demo's threads reports.
#[derive(Debug)]
pub(super) enum Happening {
    /// The event stream is open.
    StreamOpen,
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

/// One file on its way.
#[derive(Debug, Default)]
struct File {
    asset_id: Option<AssetId>,
    uploaded_at: Option<Instant>,
    end: Option<Result<Duration, String>>,
}

/// All files on their way.
#[derive(Debug)]
pub(super) struct Progress {
    files: Vec<File>,
}

impl Progress {
    /// `count` files of which nothing is known.
    pub(super) fn new(count: usize) -> Self {
        Self {
            files: (0..count).map(|_| File::default()).collect(),
        }
    }

    /// Whether every file is ready or has failed.
    pub(super) fn is_complete(&self) -> bool {
        self.files.iter().all(|file| file.end.is_some())
    }

    /// The files that are neither.
    pub(super) fn open(&self) -> Vec<usize> {
        let files = self.files.iter().enumerate();
        let open = files.filter(|(_, file)| file.end.is_none());
        open.map(|(index, _)| index).collect()
    }

    /// The file that became this asset.
    pub(super) fn index_of(&self, asset_id: AssetId) -> Option<usize> {
        self.files
            .iter()
            .position(|file| file.asset_id == Some(asset_id))
    }

    /// The asset and the time from its upload until it was ready; or why it is not.
    pub(super) fn outcome(&self, index: usize) -> Result<(AssetId, Duration), &str> {
        let file = self.files.get(index).ok_or("was not processed")?;
        match (&file.end, file.asset_id) {
            (Some(Ok(took)), Some(asset_id)) => Ok((asset_id, *took)),
            (Some(Err(reason)), _) => Err(reason),
            _ => Err("is neither ready nor failed"),
        }
    }

    /// Records what happened.
    pub(super) fn note(&mut self, happening: Happening) -> Result<()> {
        match happening {
            Happening::StreamOpen
            | Happening::Snapshot(_)
            | Happening::Sent { .. }
            | Happening::Playable { .. } => {}
            Happening::StreamFailed(reason) => bail!("the event stream is lost: {reason}"),
            Happening::Created { index, asset_id } => {
                self.change(index, |file| file.asset_id = Some(asset_id));
            }
            Happening::Uploaded { index, at } => {
                self.change(index, |file| file.uploaded_at = Some(at));
            }
            Happening::Failed { index, reason } => {
                self.change(index, |file| file.end = Some(Err(reason)));
            }
            Happening::Event(event) => self.note_event(&event),
        }
        Ok(())
    }

    fn note_event(&mut self, event: &Event) {
        let Some(index) = self.index_of(event.asset_id) else {
            return;
        };
        if event.event_type == EventType::ProcessingComplete {
            self.change(index, |file| {
                let took = file.uploaded_at.map_or(Duration::ZERO, |at| at.elapsed());
                file.end = Some(Ok(took));
            });
        } else if event.event_type.ends_job() || event.error.is_some() {
            let reason = match &event.error {
                Some(error) => format!("{}: {}", error.code.title(), error.detail),
                None => format!("ended with {}", event.event_type),
            };
            self.change(index, |file| file.end = Some(Err(reason)));
        }
    }

    fn change(&mut self, index: usize, change: impl FnOnce(&mut File)) {
        if let Some(file) = self.files.get_mut(index) {
            change(file);
        }
    }
}

/// Removes the states of runs that failed or were killed.
pub(super) fn sweep(home: &Path) -> Result<()> {
    for entry in fs::read_dir(home).into_iter().flatten().flatten() {
        let folder = entry.path();
        let is_run = entry.file_name().to_string_lossy().starts_with("run-");
        if is_run && Lock::try_now(&folder.join("lock"))?.is_some() {
            fs::remove_dir_all(&folder)?;
        }
    }
    Ok(())
}
