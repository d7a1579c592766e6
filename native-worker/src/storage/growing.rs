//! Storing a file while it is being written: in parts, each of which the disk gets back when it is stored.

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

/// Parts at a time: each of them lies on the disk.
const PARTS_AT_A_TIME: usize = 2;

/// Who writes is held when more than this lies on the disk: the first part, and two that are on their way.
const HELD_BYTES: u64 = 24 << 20;

/// How often the file is looked at: streams are copied at hundreds of megabytes a second.
const TICK: Duration = Duration::from_millis(2);

/// A file that grows at its end. Of what is there, its head may change, and what lies behind its settled bytes.
pub struct Growing<'growing> {
    /// Where it is; it may not be there yet.
    pub path: &'growing Path,
    /// Told when it is whole.
    pub written: &'growing CancellationToken,
    /// Looks how many of its bytes will stay as they are; `None`: all that are there now, and more will come. Whatever lies
    /// behind them stays on the disk until it is whole.
    pub settled: fn(&File) -> std::io::Result<Option<u64>>,
    /// Holds who writes it, or lets it go on.
    pub hold: &'growing (dyn Fn(bool) + Sync),
}

/// What was seen of it.
struct Look {
    length: u64,
    settled: u64,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// More settled bytes will come.
    Growing,
    /// What comes now may change until it is whole.
    Ending,
    /// Whole.
    Written,
}

impl Growing<'_> {
    /// Stores all of it. Its first part is stored last; all others leave holes. Gives the size.
    pub(super) async fn store(&self, upload: &Upload<'_>, id: &str) -> Result<u64, WorkError> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut storing = FuturesOrdered::new();
        let (mut completed, mut moved_bytes, mut index) = (Vec::new(), 0, 1);
        loop {
            let look = self.look(upload.file)?;
            while storing.len() < PARTS_AT_A_TIME
                && let Some(part) = look.part(index)
            {
                storing.push_back(self.move_out(upload, id, part));
                index += 1;
            }
            let is_ahead = look.length.saturating_sub(moved_bytes) > HELD_BYTES;
            // Only what is on its way makes room, and nothing but settled bytes can be.
            (self.hold)(is_ahead && look.stage == Stage::Growing && !storing.is_empty());
            if look.stage == Stage::Written && storing.is_empty() {
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
        let look = self.look(upload.file)?;
        let length = look.length.min(PART_BYTES);
        let (index, at) = (0, 0);
        let (first, bytes) = upload.part(id, Part { index, at, length }).await?;
        completed.insert(0, first);
        let size = moved_bytes + bytes;
        upload.complete(id, completed, size).await?;
        Ok(size)
    }

    /// Not by the pool of threads that block: this takes microseconds, and comes too late if it waits.
    fn look(&self, name: &str) -> Result<Look, WorkError> {
        // Before the look: what is there after the end is all there is.
        let is_written = self.written.is_cancelled();
        let file = match File::open(self.path) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound && !is_written => {
                let (length, settled, stage) = (0, 0, Stage::Growing);
                return Ok(Look {
                    length,
                    settled,
                    stage,
                });
            }
            opened => opened.map_err(|why| unreadable(name, &why))?,
        };
        // Before the question: there may be more by then than its answer is about.
        let metadata = file.metadata();
        let length = metadata.map_err(|why| unreadable(name, &why))?.len();
        let (settled, stage) = if is_written {
            (length, Stage::Written)
        } else {
            let settled = (self.settled)(&file);
            match settled.map_err(|why| invalid(format!("{name} cannot be stored yet: {why}.")))? {
                Some(settled) => (settled.min(length), Stage::Ending),
                None => (length, Stage::Growing),
            }
        };
        Ok(Look {
            length,
            settled,
            stage,
        })
    }

    /// Stores a part, and gives its room on the disk back.
    async fn move_out(
        &self,
        upload: &Upload<'_>,
        id: &str,
        part: Part,
    ) -> Result<(CompletedPart, u64), WorkError> {
        let stored = upload.part(id, part).await?;
        let path = self.path.to_owned();
        let giving = tokio::task::spawn_blocking(move || {
            let file = File::options().write(true).open(path)?;
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            fallocate(file, hole, part.at, part.length)?;
            Ok(())
        });
        let given = giving.await.map_err(std::io::Error::other).flatten();
        given.map_err(|why: std::io::Error| {
            // Not every file system can.
            let file = upload.file;
            invalid(format!(
                "The worker's disk does not give back parts of {file}: {why}."
            ))
        })?;
        Ok(stored)
    }
}

impl Look {
    /// A part, if all of it is settled; the last one may be shorter.
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
