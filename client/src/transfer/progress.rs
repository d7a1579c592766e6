//! Which file became which asset, and how far each is.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use shared::event::{Event, EventType};
use shared::id::AssetId;

use super::Update;

/// One file on its way.
#[derive(Debug, Default)]
struct File {
    asset_id: Option<AssetId>,
    uploaded_at: Option<Instant>,
    end: Option<Result<Duration, String>>,
}

/// All files on their way.
#[derive(Debug)]
pub struct Progress {
    files: Vec<File>,
}

impl Progress {
    /// `count` files of which nothing is known.
    pub fn new(count: usize) -> Self {
        Self {
            files: (0..count).map(|_| File::default()).collect(),
        }
    }

    /// Whether every file is ready or has failed.
    pub fn is_complete(&self) -> bool {
        self.files.iter().all(|file| file.end.is_some())
    }

    /// The files that are neither.
    pub fn open(&self) -> Vec<usize> {
        let files = self.files.iter().enumerate();
        let open = files.filter(|(_, file)| file.end.is_none());
        open.map(|(index, _)| index).collect()
    }

    /// The file that became this asset.
    pub fn index_of(&self, asset_id: AssetId) -> Option<usize> {
        self.files
            .iter()
            .position(|file| file.asset_id == Some(asset_id))
    }

    /// The asset and the time from its upload until it was ready.
    ///
    /// # Errors
    ///
    /// Why it is not ready.
    pub fn outcome(&self, index: usize) -> Result<(AssetId, Duration), &str> {
        let file = self.files.get(index).ok_or("was not processed")?;
        match (&file.end, file.asset_id) {
            (Some(Ok(took)), Some(asset_id)) => Ok((asset_id, *took)),
            (Some(Err(reason)), _) => Err(reason),
            _ => Err("is neither ready nor failed"),
        }
    }

    /// Records what happened.
    ///
    /// # Errors
    ///
    /// When the event stream is lost.
    pub fn note(&mut self, update: Update) -> Result<()> {
        match update {
            Update::Snapshot(_) | Update::Sent { .. } | Update::Playable { .. } => {}
            Update::StreamFailed(reason) => bail!("the event stream is lost: {reason}"),
            Update::Created { index, asset_id } => {
                self.change(index, |file| file.asset_id = Some(asset_id));
            }
            Update::Uploaded { index, at } => {
                self.change(index, |file| file.uploaded_at = Some(at));
            }
            Update::Failed { index, reason } => {
                self.change(index, |file| file.end = Some(Err(reason)));
            }
            Update::Event(event) => self.note_event(&event),
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
