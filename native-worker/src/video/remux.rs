//! The remux: the streams of the source in an MP4 without its metadata. It is playable within a moment, while the ladder is
//! encoded.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use shared::problem::ErrorCode;
use shared::video::command::{self, Index, file};
use shared::video::plan::{Plan, Remux};
use shared::video::truncation::tolerance_ms;
use shared::worker::MadeOutput;
use tokio_util::sync::CancellationToken;

use super::probe;
use super::work::Work;
use crate::child::Valve;
use crate::storage::Growing;
use crate::work_error::WorkError;

/// Name of the output and of its folder in the scratch folder.
pub(super) const NAME: &str = "remux";

const CONTENT_TYPE: &str = "video/mp4";

/// Largest original whose remux is written to the disk as a whole. A job may use 64 MiB of disk besides its original, and the
/// ladder needs some of it. (The ladder is paused until the remux is stored.) A larger remux is stored while it is written.
const WHOLE_MAX: u64 = 56 << 20;

/// Largest number of frames of a remux that is stored while it is written: its index comes last and is on the disk as a
/// whole. The index has about 18 bytes per frame. Measured with `ffmpeg -c copy`: 5.3 MB for 45 minutes at 60 frames per second
/// with audio.
const FRAMES_MAX: u64 = 900_000;

/// Makes, stores and publishes the remux, if the plan has one. If ffmpeg cannot make it, a note is added and the job goes on.
pub(super) async fn run(work: &Work<'_>, plan: &Plan) -> Result<(), WorkError> {
    let Some(remux) = &plan.remux else {
        return Ok(());
    };
    if is_large(work) && (remux.is_mp4 || remux.frames.is_none_or(|frames| frames > FRAMES_MAX)) {
        let why = if remux.is_mp4 {
            "a large MP4, which players can play as it is"
        } else {
            "large, and its index may also be large"
        };
        let detail = format!("The file is {why}. Its streams were not copied to an MP4.");
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
    // The rest of it would use disk space that the ladder needs.
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
        verify(work, remux, &path).await
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

/// Verifies length and streams of the remux. Returns width and height.
async fn verify(work: &Work<'_>, remux: &Remux, path: &Path) -> Result<(u32, u32), WorkError> {
    let made = probe::made(work, path, "The remux").await?;
    let expected_ms = remux.end_ms.unwrap_or(0);
    let missing_ms = expected_ms.saturating_sub(made.duration_ms.unwrap_or(0));
    if missing_ms > tolerance_ms(expected_ms) {
        return Err(work.invalid("The remux", &format!("it is {missing_ms} ms too short")));
    }
    match made.video {
        Some(video) if made.audio.len() == usize::from(remux.audio.is_some()) => {
            Ok((video.width, video.height))
        }
        Some(_) | None => Err(work.invalid("The remux", &"a stream is missing")),
    }
}

/// Stores a file while `making` writes it, and pauses the writer while it is ahead of the upload. Returns the result of
/// `making`, and the size.
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
    let pause = |is_ahead| {
        if is_ahead {
            valve.close();
        } else {
            valve.open();
        }
    };
    let growing = Growing {
        path,
        written: &written,
        settled: content_end,
        pause: &pause,
    };
    let storing = Box::pin(storage.put_growing_file(file::REMUX, &growing, CONTENT_TYPE));
    let stored = tokio::try_join!(making, storing)?;
    let removed = tokio::fs::remove_file(path).await;
    removed.map_err(|why| work.disk_failed(&why))?;
    Ok(stored)
}

/// Offset of the end of the content in an MP4 that ffmpeg is writing; `None` while it writes the content.
///
/// ffmpeg begins the file with `ftyp`, a `free` box as room for a 64-bit size, and an `mdat` of size 0. It writes the true size
/// after the last frame, before the first byte of the index (`moov`). While it writes the index, it seeks back and forth.
fn content_end(mut file: &File) -> io::Result<Option<u64>> {
    let mut head = Vec::new();
    file.by_ref().take(64).read_to_end(&mut head)?;
    let word = |at: usize| head.get(at..at.checked_add(4)?)?.try_into().ok();
    let number = |at: usize| word(at).map(u32::from_be_bytes);
    // The head is not complete yet.
    let Some(start) = number(0) else {
        return Ok(None);
    };
    let at = usize::try_from(start).map_err(io::Error::other)?;
    let after = at.saturating_add(8);
    let Some(size) = number(after) else {
        return Ok(None);
    };
    match (word(at + 4).as_ref(), word(after + 4).as_ref()) {
        (Some(b"free"), Some(b"mdat")) if size == 0 => Ok(None),
        (Some(b"free"), Some(b"mdat")) => Ok(Some(u64::from(start) + 8 + u64::from(size))),
        // A 64-bit size, which uses the room of the `free` box, follows the name.
        (Some(b"mdat"), Some(_)) => {
            let low = number(after + 4).map_or(0, u64::from);
            Ok(Some(u64::from(start) + (u64::from(size) << 32 | low)))
        }
        _ => Err(io::Error::other("its head was not written by ffmpeg")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn end_of(head: &[&[u8]]) -> io::Result<Option<u64>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&head.concat()).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        content_end(&file)
    }

    #[test]
    fn the_end_of_the_content_is_where_its_head_says() {
        let kind = b"\0\0\0\x10ftypisom\0\0\x02\0";
        let free = b"\0\0\0\x08free";
        let growing: [&[u8]; 4] = [kind, free, b"\0\0\0\0mdat", &[7; 90]];
        assert_eq!(end_of(&growing).unwrap(), None);
        for part in 0..3 {
            assert_eq!(end_of(&growing[..part]).unwrap(), None, "{part}");
        }
        let small: [&[u8]; 4] = [kind, free, b"\0\0\x01\0mdat", &[7; 90]];
        assert_eq!(end_of(&small).unwrap(), Some(16 + 8 + 256));
        let large: [&[u8]; 4] = [kind, b"\0\0\0\x01mdat", b"\0\0\0\x02\0\0\0\x20", &[7; 90]];
        assert_eq!(end_of(&large).unwrap(), Some(16 + (2 << 32) + 32));
        let other: [&[u8]; 2] = [kind, b"\0\0\0\x08moov\0\0\0\0mdat"];
        assert!(end_of(&other).is_err());
    }
}
