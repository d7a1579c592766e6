//! What the demo knows: which file is which asset, and how far each is.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use shared::event::{Event, EventType};
use shared::id::AssetId;

use crate::lock::Lock;

/// Something that one of the demo's threads reports.
#[derive(Debug)]
pub(super) enum Happening {
    /// The event stream is open.
    StreamOpen,
    /// The event stream cannot be opened again.
    StreamFailed(String),
    /// An event of the stream, as it came.
    Event { name: String, data: String },
    /// A file was registered.
    Created { index: usize, asset_id: AssetId },
    /// Bytes of a file have left.
    Sent { index: usize, sent_bytes: u64 },
    /// A file is in the bucket; its completion is about to be called.
    Uploaded { index: usize, at: Instant },
    /// A film or a sound can be played, from what and since when.
    Playable {
        index: usize,
        what: &'static str,
        after: Duration,
    },
    /// A file will not become ready.
    Failed { index: usize, reason: String },
}

/// One file's way.
#[derive(Debug, Default)]
struct File {
    asset_id: Option<AssetId>,
    uploaded_at: Option<Instant>,
    end: Option<Result<Duration, String>>,
}

/// All files' ways.
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

    /// Has every file come to an end?
    pub(super) fn is_complete(&self) -> bool {
        self.files.iter().all(|file| file.end.is_some())
    }

    /// The files that have not.
    pub(super) fn open(&self) -> Vec<usize> {
        self.files
            .iter()
            .enumerate()
            .filter(|(_, file)| file.end.is_none())
            .map(|(index, _)| index)
            .collect()
    }

    /// The file that became this asset.
    pub(super) fn index_of(&self, asset_id: AssetId) -> Option<usize> {
        self.files
            .iter()
            .position(|file| file.asset_id == Some(asset_id))
    }

    /// The asset and the time from its completion until it was ready; or why it is not.
    pub(super) fn outcome(&self, index: usize) -> Result<(AssetId, Duration), &str> {
        let file = self.files.get(index).ok_or("was not processed")?;
        match (&file.end, file.asset_id) {
            (Some(Ok(took)), Some(asset_id)) => Ok((asset_id, *took)),
            (Some(Err(reason)), _) => Err(reason),
            _ => Err("did not come to an end"),
        }
    }

    /// Takes note of what happened.
    pub(super) fn note(&mut self, happening: Happening) -> Result<()> {
        match happening {
            Happening::StreamOpen | Happening::Sent { .. } | Happening::Playable { .. } => {}
            Happening::StreamFailed(reason) => bail!("the event stream is lost: {reason}"),
            Happening::Created { index, asset_id } => {
                self.with(index, |file| file.asset_id = Some(asset_id));
            }
            Happening::Uploaded { index, at } => {
                self.with(index, |file| file.uploaded_at = Some(at));
            }
            Happening::Failed { index, reason } => {
                self.with(index, |file| file.end = Some(Err(reason)));
            }
            Happening::Event { data, .. } => {
                if let Ok(event) = serde_json::from_str::<Event>(&data) {
                    self.note_event(&event);
                }
            }
        }
        Ok(())
    }

    fn note_event(&mut self, event: &Event) {
        let Some(index) = self.index_of(event.asset_id) else {
            return;
        };
        if event.event_type == EventType::ProcessingComplete {
            self.with(index, |file| {
                file.end = Some(Ok(file
                    .uploaded_at
                    .map_or(Duration::ZERO, |at| at.elapsed())));
            });
        } else if event.event_type.ends_job() || event.error.is_some() {
            let reason = match &event.error {
                Some(error) => format!("{}: {}", error.code.title(), error.detail),
                None => format!("ended with {}", event.event_type),
            };
            self.with(index, |file| file.end = Some(Err(reason)));
        }
    }

    fn with(&mut self, index: usize, change: impl FnOnce(&mut File)) {
        if let Some(file) = self.files.get_mut(index) {
            change(file);
        }
    }
}

/// Removes the states of demos that failed or were killed.
pub(super) fn sweep(home: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(home) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let folder = entry.path();
        let is_run = entry.file_name().to_string_lossy().starts_with("run-");
        if is_run && Lock::now(&folder.join("lock"))?.is_some() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("cannot remove {}", folder.display()))?;
        }
    }
    Ok(())
}
