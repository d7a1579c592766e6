//! [`Growing`]: stores a file while it is being written. Each stored part is removed from the disk.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::types::CompletedPart;
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use rustix::fs::{FallocateFlags, fallocate};
use shared::problem::ErrorCode;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::fault::unreadable;
use super::upload::{PART_BYTES, Part, Upload};
use crate::work_error::WorkError;

/// Parts at the same time. Each of them uses disk space.
const PARTS_AT_A_TIME: usize = 2;

/// The writer is paused when more than this is on the disk: the first part, and two that are being stored.
const PAUSE_BYTES: u64 = 24 << 20;

/// Interval at which the file is checked: ffmpeg copies streams at hundreds of megabytes per second.
const TICK: Duration = Duration::from_millis(2);

/// A file that grows at its end. Its head and the bytes behind the settled ones may still change.
pub struct Growing<'growing> {
    /// Path of the file. It need not exist yet.
    pub path: &'growing Path,
    /// Cancelled when the file is complete.
    pub written: &'growing CancellationToken,
    /// Returns how many bytes are settled, which means that they will not change. `None` if all present bytes are settled and
    /// more will follow. Bytes behind the settled ones stay on the disk until the file is complete.
    pub settled: fn(&File) -> std::io::Result<Option<u64>>,
    /// Pauses the writer (true) or resumes it (false).
    pub pause: &'growing (dyn Fn(bool) + Sync),
}

/// The state of the file at one check.
struct Snapshot {
    length: u64,
    settled: u64,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// More settled bytes will follow.
    Growing,
    /// New bytes may change until the file is complete.
    Ending,
    /// The file is complete.
    Written,
}

impl Growing<'_> {
    /// Stores the whole file and returns its size. The first part is stored last; the others are replaced by holes.
    pub(super) async fn store(&self, upload: &Upload<'_>, id: &str) -> Result<u64, WorkError> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut storing = FuturesOrdered::new();
        let (mut completed, mut moved_bytes, mut index) = (Vec::new(), 0, 1);
        loop {
            let now = self.snapshot(upload.file)?;
            while storing.len() < PARTS_AT_A_TIME
                && let Some(part) = now.part(index)
            {
                storing.push_back(self.move_out(upload, id, part));
                index += 1;
            }
            let is_ahead = now.length.saturating_sub(moved_bytes) > PAUSE_BYTES;
            // Pausing only helps while parts are being stored, and only settled bytes can be stored.
            (self.pause)(is_ahead && now.stage == Stage::Growing && !storing.is_empty());
            if now.stage == Stage::Written && storing.is_empty() {
                break;
            }
            tokio::select! {
                Some(moved) = storing.next() => {
                    let (part, bytes) = moved?;
                    completed.push(part);
                    moved_bytes += bytes;
                }
                _ = ticks.tick() => {}
            }
        }
        let now = self.snapshot(upload.file)?;
        let length = now.length.min(PART_BYTES);
        let (index, at) = (0, 0);
        let (first, bytes) = upload.part(id, Part { index, at, length }).await?;
        completed.insert(0, first);
        let size = moved_bytes + bytes;
        upload.complete(id, completed, size).await?;
        Ok(size)
    }

    /// Checks the file. It does not use the blocking pool: this takes microseconds, and a wait for a thread would delay the
    /// pause.
    fn snapshot(&self, name: &str) -> Result<Snapshot, WorkError> {
        // Read before the length: after the end of writing, the length is final.
        let is_written = self.written.is_cancelled();
        let file = match File::open(self.path) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound && !is_written => {
                let (length, settled, stage) = (0, 0, Stage::Growing);
                return Ok(Snapshot {
                    length,
                    settled,
                    stage,
                });
            }
            opened => opened.map_err(|why| unreadable(name, &why))?,
        };
        // Read before `settled` is called, so that `None` covers all of the length.
        let metadata = file.metadata();
        let length = metadata.map_err(|why| unreadable(name, &why))?.len();
        let (settled, stage) = if is_written {
            (length, Stage::Written)
        } else {
            let settled = (self.settled)(&file);
            match settled.map_err(|why| {
                invalid(format!(
                    "{name} cannot be stored while it is written: {why}."
                ))
            })? {
                Some(settled) => (settled.min(length), Stage::Ending),
                None => (length, Stage::Growing),
            }
        };
        Ok(Snapshot {
            length,
            settled,
            stage,
        })
    }

    /// Stores a part and frees its disk space.
    async fn move_out(
        &self,
        upload: &Upload<'_>,
        id: &str,
        part: Part,
    ) -> Result<(CompletedPart, u64), WorkError> {
        let stored = upload.part(id, part).await?;
        let path = self.path.to_owned();
        let freeing = tokio::task::spawn_blocking(move || {
            let file = File::options().write(true).open(path)?;
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            fallocate(file, hole, part.at, part.length)?;
            Ok(())
        });
        let freed = freeing.await.map_err(std::io::Error::other).flatten();
        freed.map_err(|why: std::io::Error| {
            // Not every file system supports holes.
            let file = upload.file;
            invalid(format!(
                "The worker's disk cannot free parts of {file}: {why}."
            ))
        })?;
        Ok(stored)
    }
}

impl Snapshot {
    /// The part with this index, if all of it is settled. The last part may be shorter.
    fn part(&self, index: u64) -> Option<Part> {
        let at = index * PART_BYTES;
        let length = self.settled.saturating_sub(at).min(PART_BYTES);
        let is_whole = length == PART_BYTES || self.stage == Stage::Written;
        (is_whole && length > 0).then_some(Part { index, at, length })
    }
}

fn invalid(detail: String) -> WorkError {
    WorkError::retryable(ErrorCode::OutputInvalid, detail)
}
