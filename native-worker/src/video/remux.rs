//! The source's own streams in an MP4 without its metadata: playable in a moment, while the ladder is being made.

use std::convert::Infallible;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use shared::problem::ErrorCode;
use shared::video::command::{self, Index, file};
use shared::video::plan::{Plan, Remux};
use shared::video::truncation::tolerance_ms;
use shared::worker::MadeOutput;
use tokio_util::sync::CancellationToken;

use super::probe;
use super::work::Work;
use crate::attempt::WorkError;
use crate::ffmpeg::Valve;

/// Name of the output, and of its folder on disk.
pub(super) const NAME: &str = "remux";

const CONTENT_TYPE: &str = "video/mp4";

/// A larger file would not fit into what a job may use of the disk besides its original: 64 MiB, of which the ladder needs
/// some to begin with. (It is held back until the remux is stored.) It is stored while it is written.
const WHOLE_MAX: u64 = 56 << 20;

/// What is stored while it is written is held when it takes more of the disk: its first part, two that are on their way.
const HELD_BYTES: u64 = 24 << 20;

/// How often it is looked at how much that is: streams are copied at hundreds of megabytes a second.
const TICK: Duration = Duration::from_millis(2);

/// Makes, stores and publishes the remux, if the plan has one. A failure to make it is noted: the ladder does not need it.
pub(super) async fn run(work: &Work<'_>, plan: &Plan) -> Result<(), WorkError> {
    let Some(remux) = &plan.remux else {
        return Ok(());
    };
    if remux.is_mp4 && is_large(work) {
        let detail = "The file is a large MP4 that plays as it is: its streams were not copied.";
        work.note("remux_skipped", detail);
        return Ok(());
    }
    let Err(error) = make(work, plan, remux).await else {
        return Ok(());
    };
    let code = error.failure.code;
    if !matches!(code, ErrorCode::EncodeFailed | ErrorCode::OutputInvalid) {
        return Err(error);
    }
    work.note("remux_failed", error.failure.detail);
    // What is left of it would take the ladder's room.
    let removed = tokio::fs::remove_dir_all(work.attempt.scratch.join(NAME)).await;
    removed.map_err(|why| work.disk_failed(&why))
}

fn is_large(work: &Work<'_>) -> bool {
    work.attempt.claimed.source.size_bytes > WHOLE_MAX
}

async fn make(work: &Work<'_>, plan: &Plan, remux: &Remux) -> Result<(), WorkError> {
    let folder = work.folder(NAME).await?;
    let input = work.input();
    let path = folder.join(file::REMUX);
    let index = if is_large(work) {
        Index::AtEnd
    } else {
        Index::AtStart
    };
    let arguments = command::remux(remux, &input.display().to_string(), index);
    let child = work.ffmpeg(&arguments, &[&input], &folder)?;
    let valve = child.valve();
    let making = Box::pin(async {
        let ended = work.watch(plan.duration_ms).run(child, |_| {}).await?;
        work.check(&ended, "copy the streams")?;
        verify(work, plan, remux, &path).await
    });
    let ((width, height), size_bytes) = match index {
        Index::AtStart => {
            let size = making.await?;
            (size, work.store(file::REMUX, &path, CONTENT_TYPE).await?)
        }
        Index::AtEnd => store_growing(work, &path, &valve, making).await?,
    };
    work.publish(MadeOutput {
        name: NAME.to_owned(),
        file: file::REMUX.to_owned(),
        content_type: CONTENT_TYPE.to_owned(),
        width: Some(width),
        height: Some(height),
        size_bytes,
    });
    Ok(())
}

/// Is everything in it? Gives width and height.
async fn verify(
    work: &Work<'_>,
    plan: &Plan,
    remux: &Remux,
    path: &Path,
) -> Result<(u32, u32), WorkError> {
    let made = probe::made(work, path, "The remux").await?;
    let missing_ms = plan
        .duration_ms
        .unwrap_or(0)
        .saturating_sub(made.duration_ms.unwrap_or(0));
    if missing_ms > tolerance_ms(plan.duration_ms.unwrap_or(0)) {
        return Err(work.invalid("The remux", &format!("it is {missing_ms} ms too short")));
    }
    match made.video {
        Some(video) if made.audio.len() == usize::from(remux.audio.is_some()) => {
            Ok((video.width, video.height))
        }
        Some(_) | None => Err(work.invalid("The remux", &"a stream is missing")),
    }
}

/// Stores what `making` writes while it does, and holds it when it is ahead of the line. Gives what it gave, and the size.
async fn store_growing<T>(
    work: &Work<'_>,
    path: &Path,
    valve: &Valve,
    making: impl Future<Output = Result<T, WorkError>>,
) -> Result<(T, u64), WorkError> {
    let written = CancellationToken::new();
    let making = async {
        let made = making.await?;
        written.cancel();
        Ok(made)
    };
    let storage = &work.attempt.storage;
    let storing = Box::pin(storage.put_growing_file(file::REMUX, path, CONTENT_TYPE, &written));
    let stored = tokio::select! {
        stored = async { tokio::try_join!(making, storing) } => stored?,
        never = hold(valve, path) => match never {},
    };
    let removed = tokio::fs::remove_file(path).await;
    removed.map_err(|why| work.disk_failed(&why))?;
    Ok(stored)
}

/// Holds who writes the file whenever it takes too much of the disk.
async fn hold(valve: &Valve, path: &Path) -> Infallible {
    loop {
        // Not by the pool of threads that block: this takes microseconds, and comes too late if it waits.
        let metadata = std::fs::metadata(path);
        let bytes = metadata.map_or(0, |metadata| metadata.blocks().saturating_mul(512));
        if bytes > HELD_BYTES {
            valve.close();
        } else {
            valve.open();
        }
        tokio::time::sleep(TICK).await;
    }
}
