//! The source's own streams in an MP4 without its metadata: playable in a moment, while the ladder is being made.

use std::path::PathBuf;

use shared::problem::ErrorCode;
use shared::video::command::{self, file};
use shared::video::plan::{Plan, Remux};
use shared::video::truncation::tolerance_ms;
use shared::worker::MadeOutput;

use super::probe;
use super::work::Work;
use crate::attempt::WorkError;

/// Name of the output, and of its folder on disk.
pub(super) const NAME: &str = "remux";

/// A larger file would not fit into what a job may use of the disk besides its original: 64 MiB, of which the ladder needs
/// some to begin with. (It is held back until the remux is stored.) Its original can be played all the same.
const SIZE_MAX: u64 = 56 << 20;

/// A finished remux on disk.
struct Remuxed {
    path: PathBuf,
    size: (u32, u32),
}

/// Makes, stores and publishes the remux, if the plan has one.
pub(super) async fn run(work: &Work<'_>, plan: &Plan) -> Result<(), WorkError> {
    match make(work, plan).await? {
        Some(remuxed) => store(work, remuxed).await,
        None => Ok(()),
    }
}

/// A failure to make it is noted: the ladder does not need it.
async fn make(work: &Work<'_>, plan: &Plan) -> Result<Option<Remuxed>, WorkError> {
    let Some(remux) = &plan.remux else {
        return Ok(None);
    };
    if work.attempt.claimed.source.size_bytes > SIZE_MAX {
        let most = SIZE_MAX >> 20;
        let detail = format!(
            "The file is larger than {most} MiB: its own streams were not copied to an MP4."
        );
        work.note("remux_skipped", detail);
        return Ok(None);
    }
    match try_make(work, plan, remux).await {
        Ok(remuxed) => Ok(Some(remuxed)),
        Err(error) => {
            let code = error.failure.code;
            if !matches!(code, ErrorCode::EncodeFailed | ErrorCode::OutputInvalid) {
                return Err(error);
            }
            work.note("remux_failed", error.failure.detail);
            // What is left of it would take the ladder's room.
            let removed = tokio::fs::remove_dir_all(work.attempt.scratch.join(NAME)).await;
            removed.map_err(|why| work.disk_failed(&why))?;
            Ok(None)
        }
    }
}

async fn try_make(work: &Work<'_>, plan: &Plan, remux: &Remux) -> Result<Remuxed, WorkError> {
    let folder = work.folder(NAME).await?;
    let input = work.input();
    let arguments = command::remux(remux, &input.display().to_string());
    let child = work.ffmpeg(&arguments, &[&input], &folder)?;
    let watch = work.watch(plan.duration_ms);
    let ended = watch.run(child, |_| {}).await?;
    work.check(&ended, "copy the streams")?;
    let path = folder.join(file::REMUX);
    let made = probe::made(work, &path, "The remux").await?;
    let missing_ms = plan
        .duration_ms
        .unwrap_or(0)
        .saturating_sub(made.duration_ms.unwrap_or(0));
    if missing_ms > tolerance_ms(plan.duration_ms.unwrap_or(0)) {
        return Err(work.invalid("The remux", &format!("it is {missing_ms} ms too short")));
    }
    match made.video {
        Some(video) if made.audio.len() == usize::from(remux.audio.is_some()) => Ok(Remuxed {
            path,
            size: (video.width, video.height),
        }),
        Some(_) | None => Err(work.invalid("The remux", &"a stream is missing")),
    }
}

async fn store(work: &Work<'_>, Remuxed { path, size }: Remuxed) -> Result<(), WorkError> {
    let size_bytes = work.store(file::REMUX, &path, "video/mp4").await?;
    work.publish(MadeOutput {
        name: NAME.to_owned(),
        file: file::REMUX.to_owned(),
        content_type: "video/mp4".to_owned(),
        width: Some(size.0),
        height: Some(size.1),
        size_bytes,
    });
    Ok(())
}
