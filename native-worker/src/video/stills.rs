//! Poster, thumbnail and storyboard of a video.

use std::path::Path;

use imaging::Session;
use shared::image::{Fit, ImagePlan, ImageReport, VariantFormat, VariantSpec};
use shared::problem::Failure;
use shared::video::command::{self, file};
use shared::video::plan::{Plan, VideoPlan};
use shared::video::progress::{Block, Progress};
use shared::video::storyboard::Storyboard;
use shared::worker::MadeOutput;

use super::encode::Ladder;
use super::work::Work;
use crate::storage::Lifetime;
use crate::work_error::WorkError;

const JPEG: &str = "image/jpeg";
const STORYBOARD_VTT: &str = "storyboard.vtt";

/// Limit of the pixels of a still: a poster of 8192 × 8192, which is larger than any.
const PIXELS_MAX: u64 = 8_192 * 8_192;

/// Makes, stores and publishes poster and thumbnail.
pub(super) async fn poster(work: &Work<'_>, plan: &Plan) -> Result<(), WorkError> {
    let Some(video) = &plan.video else {
        return Ok(());
    };
    let folder = work.folder("stills").await?;
    let (poster, thumbnail) = (folder.join(file::POSTER), folder.join(file::THUMBNAIL));
    extract(work, video, &folder, video.poster.at_ms).await?;
    // A file may be shorter than its header says; then it has no frame at that time.
    if !(is_not_empty(&poster) && is_not_empty(&thumbnail)) && video.poster.at_ms > 0 {
        extract(work, video, &folder, 0).await?;
    }
    let report = inspect(work, &poster, "The poster").await?;
    work.update(|made| made.placeholder = Some(report.placeholder.clone()));
    put(work, "poster", file::POSTER, &poster, &report).await?;
    let report = inspect(work, &thumbnail, "The thumbnail").await?;
    put(work, "thumbnail", file::THUMBNAIL, &thumbnail, &report).await
}

async fn extract(
    work: &Work<'_>,
    video: &VideoPlan,
    folder: &Path,
    at_ms: u64,
) -> Result<(), WorkError> {
    let input = work.input();
    let arguments = command::poster(video, &input.display().to_string(), at_ms);
    let child = work.ffmpeg(&arguments, &[&input], folder)?;
    let ended = work.watch(None).run(child, |_| {}).await?;
    work.check(&ended, "make the poster")
}

fn is_not_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() > 0)
}

/// The tiles of the storyboard, in the folder of the ladder. The ladder has written them, unless the length of the video was
/// not known before; then they are made now.
pub(super) async fn tiles(
    work: &Work<'_>,
    plan: &Plan,
    ladder: &Ladder,
) -> Result<Option<Storyboard>, WorkError> {
    let Some(video) = &plan.video else {
        return Ok(None);
    };
    let storyboard = match &video.storyboard {
        Some(storyboard) => storyboard.clone(),
        None => make_tiles(work, video, &ladder.folder, ladder.main_ms).await?,
    };
    Ok(Some(storyboard))
}

/// Makes, stores and publishes the storyboard from its tiles.
pub(super) async fn storyboard(
    work: &Work<'_>,
    storyboard: Option<Storyboard>,
    ladder: &Ladder,
) -> Result<(), WorkError> {
    let Some(storyboard) = storyboard else {
        return Ok(());
    };
    let folder = &ladder.folder;
    let path = folder.join(file::STORYBOARD);
    let tiles = folder.join(file::TILES);
    let child = work.ffmpeg(&command::sprite(&storyboard), &[&tiles], folder)?;
    let ended = work.watch(None).run(child, |_| {}).await?;
    work.check(&ended, "make the storyboard")?;
    let report = inspect(work, &path, "The storyboard").await?;
    put(work, "storyboard_sprite", file::STORYBOARD, &path, &report).await?;
    let text = storyboard.webvtt(file::STORYBOARD, ladder.duration_ms);
    let storage = &work.attempt.storage;
    let size_bytes = storage
        .put_bytes(
            STORYBOARD_VTT,
            text.into_bytes(),
            "text/vtt",
            Lifetime::Immutable,
        )
        .await?;
    work.publish(MadeOutput {
        name: "storyboard".to_owned(),
        file: STORYBOARD_VTT.to_owned(),
        content_type: "text/vtt".to_owned(),
        width: None,
        height: None,
        size_bytes,
    });
    Ok(())
}

async fn make_tiles(
    work: &Work<'_>,
    video: &VideoPlan,
    folder: &Path,
    duration_ms: u64,
) -> Result<Storyboard, WorkError> {
    let largest = video.rungs.last();
    let (width, height) = largest.map_or((2, 2), |rung| (rung.width, rung.height));
    let storyboard = Storyboard::new(width, height, duration_ms, video.fps);
    let input = work.input();
    let arguments = command::tiles(video, &storyboard, &input.display().to_string());
    let child = work.ffmpeg(&arguments, &[&input], folder)?;
    let watch = work.watch(Some(duration_ms));
    let mut progress = Progress::new(Some(duration_ms), None);
    let on_block = |block: &Block| {
        if let Some(ratio) = progress.update(block).ratio {
            work.reporter.stage_ratio(ratio);
        }
    };
    let ended = watch.run(child, on_block).await?;
    work.check(&ended, "make the storyboard")?;
    Ok(storyboard)
}

/// Decodes an image that ffmpeg wrote, to verify it.
async fn inspect(work: &Work<'_>, path: &Path, what: &str) -> Result<ImageReport, WorkError> {
    let bytes = tokio::fs::read(path).await;
    let bytes = bytes.map_err(|why| work.invalid(what, &why))?;
    let decoded = tokio::task::spawn_blocking(move || decode(bytes)).await;
    let decoded = decoded.map_err(|why| work.invalid(what, &why))?;
    decoded.map_err(|failure| work.invalid(what, &failure.detail))
}

/// Decodes at a small size: the decoder scales while it decodes, and no pixels are kept.
fn decode(bytes: Vec<u8>) -> Result<ImageReport, Failure> {
    let plan = ImagePlan {
        variants: vec![VariantSpec {
            name: "small".to_owned(),
            width: 100,
            height: 100,
            fit: Fit::Inside,
            quality: 80,
            format: VariantFormat::default(),
        }],
        pixels_max: PIXELS_MAX,
        memory_max_bytes: u64::MAX,
    };
    Session::open(bytes, &plan)?.report()
}

async fn put(
    work: &Work<'_>,
    name: &str,
    file: &str,
    path: &Path,
    report: &ImageReport,
) -> Result<(), WorkError> {
    let size_bytes = work.store(file, path, JPEG).await?;
    work.publish(MadeOutput {
        name: name.to_owned(),
        file: file.to_owned(),
        content_type: JPEG.to_owned(),
        width: Some(report.width),
        height: Some(report.height),
        size_bytes,
    });
    Ok(())
}
