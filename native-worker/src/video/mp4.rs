//! The progressive MP4: one rung and one audio rendition, muxed from their stored segments into a file that can play before
//! it is loaded completely. Nothing is encoded again, and the original has been removed from the disk by then.

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

/// Largest difference between the lengths of MP4 and ladder: an audio frame and the delay of the encoder.
const DIFFERENCE_MAX_MS: u64 = 250;

/// Name of the file if it has audio only.
const AUDIO_FILE: &str = "audio.mp4";

const DOING: &str = "mux the MP4";

/// Makes, stores and publishes the MP4.
pub(super) async fn run(work: &Work<'_>, plan: &Plan, ladder: &Ladder) -> Result<(), WorkError> {
    let folder = work.folder("mp4").await?;
    let audio = plan
        .audio
        .iter()
        .find(|audio| audio.is_default)
        .or_else(|| plan.audio.first())
        .and_then(|audio| ladder.rendition(Track::Audio(audio.number)));
    let video = plan
        .video
        .as_ref()
        .and_then(|video| ladder.rendition(Track::Video(video.mp4_rung)));
    check_disk(work, video, audio)?;
    let made = match (video, audio) {
        (Some(video), audio) => {
            let audio = match audio {
                Some(audio) => Some(fetch(work, &folder, audio).await?),
                None => None,
            };
            let path = audio.as_ref().map(|path| path.display().to_string());
            let arguments = command::mp4(path.as_deref());
            mux(work, &folder, video, &arguments, audio.as_deref()).await?
        }
        (None, Some(audio)) => mux(work, &folder, audio, &command::mp4_audio(), None).await?,
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
    let on_bytes = |bytes: u64| {
        let hundredths = bytes.saturating_mul(100) / total;
        let hundredths = u32::try_from(hundredths).unwrap_or(100);
        work.reporter.stage_ratio(f64::from(hundredths) / 100.0);
    };
    let size_bytes = work
        .store_large(file, &made, content_type, on_bytes)
        .await?;
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

/// Fails if the disk has no room for the MP4, which is as large as its segments, and for the file of its audio.
fn check_disk(
    work: &Work<'_>,
    video: Option<&Rendition>,
    audio: Option<&Rendition>,
) -> Result<(), WorkError> {
    let bytes = |rendition: Option<&Rendition>| rendition.map_or(0, Rendition::stored_bytes);
    let audio_file = if video.is_some() { bytes(audio) } else { 0 };
    let needed = bytes(video)
        .saturating_add(bytes(audio))
        .saturating_add(audio_file);
    let free = free_bytes(&work.attempt.scratch).map_err(|why| work.disk_failed(&why))?;
    if free >= needed {
        return Ok(());
    }
    let detail = format!(
        "The worker's disk has no room for the MP4: {free} bytes are free, but {needed} are required. The job is tried again, on another worker if there is one."
    );
    Err(WorkError::retryable(ErrorCode::WorkerExhausted, detail))
}

/// Joins the stored audio segments in a file: ffmpeg reads the video from its only stdin.
async fn fetch(work: &Work<'_>, folder: &Path, audio: &Rendition) -> Result<PathBuf, WorkError> {
    let path = folder.join("audio-segments.mp4");
    let created = File::create(&path).await;
    let mut file = created.map_err(|why| work.disk_failed(&why))?;
    match feed(work, audio, &mut file, &Activity::default(), |_| {}).await {
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
    audio: Option<&Path>,
) -> Result<PathBuf, WorkError> {
    let read: Vec<&Path> = audio.into_iter().collect();
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
            // After a broken pipe the child has ended, and its exit shows the cause.
            Ok(()) | Err(Broken::Pipe(_)) => Ok(()),
        }
    };
    let (ended, ()) = tokio::try_join!(watch.run(child, |_| {}), feeding)?;
    work.check(&ended, DOING)?;
    // Trap: on a full disk, ffmpeg logs that it cannot write the trailer, and still exits with code 0.
    if ended.exit.log.errors() > 0 {
        return Err(work.child_failed(&ended.exit, DOING));
    }
    Ok(folder.join(file::MP4))
}

/// What failed while segments were copied.
enum Broken {
    Storage(WorkError),
    Pipe(std::io::Error),
}

/// Copies the initialization segment and all segments from the bucket, in order. Each one is read completely before it is
/// passed on: to ffmpeg, a segment that is cut off would look like the end of the file.
async fn feed(
    work: &Work<'_>,
    rendition: &Rendition,
    to: &mut (impl AsyncWrite + Unpin),
    activity: &Activity,
    mut on_progress: impl FnMut(f64),
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
        on_progress(done / total);
    }
    Ok(())
}

/// Verifies that the MP4 has the streams and the length of the ladder. Returns width and height of its video.
async fn check(
    work: &Work<'_>,
    plan: &Plan,
    ladder: &Ladder,
    path: &Path,
) -> Result<Option<(u32, u32)>, WorkError> {
    let what = "The MP4";
    let made = probe::made(work, path, what).await?;
    let duration_ms = made.duration_ms.unwrap_or(0);
    // The audio may be longer than the video.
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
        let why = format!("it is {duration_ms} ms long instead of {wanted_ms} ms");
        return Err(work.invalid(what, &why));
    }
    if made.video.is_some() == plan.is_audio_only()
        || made.audio.len() != usize::from(!plan.audio.is_empty())
    {
        return Err(work.invalid(what, &"a stream is missing"));
    }
    Ok(made.video.map(|video| (video.width, video.height)))
}
