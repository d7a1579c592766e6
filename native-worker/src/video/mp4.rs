//! The progressive MP4: a rung and the sound from their stored segments, in one file that starts to play before it is
//! loaded. Nothing is encoded again, and the original is gone from the disk by then.

use std::path::{Path, PathBuf};

use shared::problem::ErrorCode;
use shared::video::command::{self, file};
use shared::video::plan::Plan;
use shared::video::track::Track;
use shared::worker::MadeOutput;
use tokio::fs::File;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::encode::Ladder;
use super::probe;
use super::progress_reporter::Stage;
use super::rendition::Rendition;
use super::work::Work;
use crate::child::Activity;
use crate::host::scratch::free_bytes;
use crate::work_error::WorkError;

/// How far the MP4's length may be from the ladder's: a frame of sound and the delay of the encoder.
const DIFFERENCE_MAX_MS: u64 = 250;

/// What the file is called when it is sound only.
const AUDIO_FILE: &str = "audio.mp4";

const DOING: &str = "put the MP4 together";

/// Makes, stores and publishes the MP4.
pub(super) async fn run(work: &Work<'_>, plan: &Plan, ladder: &Ladder) -> Result<(), WorkError> {
    let folder = work.folder("mp4").await?;
    let sound = plan
        .audio
        .iter()
        .find(|audio| audio.is_default)
        .or_else(|| plan.audio.first())
        .and_then(|audio| ladder.rendition(Track::Audio(audio.number)));
    let picture = plan
        .video
        .as_ref()
        .and_then(|video| ladder.rendition(Track::Video(video.mp4_rung)));
    check_disk(work, picture, sound)?;
    let made = match (picture, sound) {
        (Some(picture), sound) => {
            let sound = match sound {
                Some(sound) => Some(fetch(work, &folder, sound).await?),
                None => None,
            };
            let path = sound.as_ref().map(|path| path.display().to_string());
            let arguments = command::mp4(path.as_deref());
            mux(work, &folder, picture, &arguments, sound.as_deref()).await?
        }
        (None, Some(sound)) => mux(work, &folder, sound, &command::mp4_audio(), None).await?,
        (None, None) => return Ok(()),
    };
    let size = check(work, plan, ladder, &made).await?;
    work.reporter.begin(Stage::Store);
    let (file, content_type) = if plan.is_audio_only() {
        (AUDIO_FILE, "audio/mp4")
    } else {
        (file::MP4, "video/mp4")
    };
    let total = tokio::fs::metadata(&made).await;
    let total = total.map_err(|why| work.disk_failed(&why))?.len().max(1);
    let told = |bytes: u64| {
        let hundredths = bytes.saturating_mul(100) / total;
        let hundredths = u32::try_from(hundredths).unwrap_or(100);
        work.reporter.stage_ratio(f64::from(hundredths) / 100.0);
    };
    let size_bytes = work.store_large(file, &made, content_type, told).await?;
    work.publish(MadeOutput {
        name: "mp4".to_owned(),
        file: file.to_owned(),
        content_type: content_type.to_owned(),
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
        size_bytes,
    });
    Ok(())
}

/// The file is as large as its segments; beside it lies the sound that goes into it.
fn check_disk(
    work: &Work<'_>,
    picture: Option<&Rendition>,
    sound: Option<&Rendition>,
) -> Result<(), WorkError> {
    let bytes = |rendition: Option<&Rendition>| rendition.map_or(0, Rendition::stored_bytes);
    let beside = if picture.is_some() { bytes(sound) } else { 0 };
    let needed = bytes(picture)
        .saturating_add(bytes(sound))
        .saturating_add(beside);
    let free = free_bytes(&work.attempt.scratch).map_err(|why| work.disk_failed(&why))?;
    if free >= needed {
        return Ok(());
    }
    let detail = format!(
        "The worker's disk has no room for the MP4: {free} bytes are free, {needed} are needed. It is tried again, on another worker if there is one."
    );
    Err(WorkError::retryable(ErrorCode::WorkerExhausted, detail))
}

/// Puts the stored segments of the sound together on the disk: there is one stdin only.
async fn fetch(work: &Work<'_>, folder: &Path, sound: &Rendition) -> Result<PathBuf, WorkError> {
    let path = folder.join("sound.mp4");
    let created = File::create(&path).await;
    let mut file = created.map_err(|why| work.disk_failed(&why))?;
    match feed(work, sound, &mut file, &Activity::default(), |_| {}).await {
        Ok(()) => {}
        Err(Broken::Storage(error)) => return Err(error),
        Err(Broken::Pipe(why)) => return Err(work.disk_failed(&why)),
    }
    file.flush().await.map_err(|why| work.disk_failed(&why))?;
    Ok(path)
}

async fn mux(
    work: &Work<'_>,
    folder: &Path,
    main: &Rendition,
    arguments: &[String],
    sound: Option<&Path>,
) -> Result<PathBuf, WorkError> {
    let read: Vec<&Path> = sound.into_iter().collect();
    let mut child = work.ffmpeg(arguments, &read, folder)?;
    let stdin = child.take_stdin();
    let watch = work.watch(Some(main.stored_ms()));
    let activity = watch.activity.clone();
    let feeding = async {
        let Some(mut stdin) = stdin else {
            return Ok(());
        };
        let fed = feed(work, main, &mut stdin, &activity, |ratio| {
            work.reporter.stage_ratio(ratio);
        });
        match fed.await {
            Err(Broken::Storage(error)) => Err(error),
            // A broken pipe: it has ended, and its end tells more.
            Ok(()) | Err(Broken::Pipe(_)) => Ok(()),
        }
    };
    let (ended, ()) = tokio::try_join!(watch.run(child, |_| {}), feeding)?;
    work.check(&ended, DOING)?;
    // Trap: on a full disk ffmpeg's muxer says that it cannot write the end, and ends as if all were well.
    if ended.exit.log.errors() > 0 {
        return Err(work.child_failed(&ended.exit, DOING));
    }
    Ok(folder.join(file::MP4))
}

/// What broke while segments were copied.
enum Broken {
    Storage(WorkError),
    Pipe(std::io::Error),
}

/// Copies initialization segment and segments, in order, from the bucket. Each is read whole before any of it goes on:
/// what breaks off would look like the end.
async fn feed(
    work: &Work<'_>,
    rendition: &Rendition,
    to: &mut (impl AsyncWrite + Unpin),
    activity: &Activity,
    mut seen: impl FnMut(f64),
) -> Result<(), Broken> {
    let init = [("init.mp4", rendition.init_bytes.unwrap_or(0))];
    let segments = rendition
        .stored
        .iter()
        .map(|segment| (segment.file.as_str(), segment.size_bytes));
    let total = f64::from(u32::try_from(rendition.stored.len()).unwrap_or(u32::MAX)) + 1.0;
    let mut done = 0.0;
    for (name, size) in init.into_iter().chain(segments) {
        let file = rendition.file(name);
        let read = work.attempt.storage.read_whole(&file, size).await;
        let bytes = read.map_err(Broken::Storage)?;
        to.write_all(&bytes).await.map_err(Broken::Pipe)?;
        activity.note();
        done += 1.0;
        seen(done / total);
    }
    Ok(())
}

/// Whether the MP4 holds what the ladder holds. Gives the size of its picture.
async fn check(
    work: &Work<'_>,
    plan: &Plan,
    ladder: &Ladder,
    path: &Path,
) -> Result<Option<(u32, u32)>, WorkError> {
    let what = "The MP4";
    let made = probe::made(work, path, what).await?;
    let duration_ms = made.duration_ms.unwrap_or(0);
    // The sound may last longer than the picture.
    let longest_ms = ladder
        .renditions
        .iter()
        .map(Rendition::stored_ms)
        .max()
        .unwrap_or(0);
    let is_right = duration_ms + DIFFERENCE_MAX_MS >= ladder.main_ms
        && duration_ms <= longest_ms + DIFFERENCE_MAX_MS;
    if !is_right {
        let wanted_ms = ladder.main_ms;
        let why = format!("it plays for {duration_ms} ms instead of {wanted_ms} ms");
        return Err(work.invalid(what, &why));
    }
    if made.video.is_some() == plan.is_audio_only()
        || made.audio.len() != usize::from(!plan.audio.is_empty())
    {
        return Err(work.invalid(what, &"a stream is missing"));
    }
    Ok(made.video.map(|video| (video.width, video.height)))
}
