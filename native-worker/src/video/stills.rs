//! Poster, thumbnail and storyboard: pictures of the film.

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

/// Pixels of the largest picture that is made here, with room: a poster of 8192 × 8192.
const PIXELS_MAX: u64 = 8_192 * 8_192;

/// Makes, stores and publishes poster and thumbnail.
pub(super) async fn poster(work: &Work<'_>, plan: &Plan) -> Result<(), WorkError> {
    let Some(video) = &plan.video else {
        return Ok(());
    };
    let folder = work.folder("stills").await?;
    let (poster, thumbnail) = (folder.join(file::POSTER), folder.join(file::THUMBNAIL));
    shoot(work, video, &folder, video.poster.at_ms).await?;
    // A file may be shorter than it says; then there is nothing at that time.
    if !(has_content(&poster) && has_content(&thumbnail)) && video.poster.at_ms > 0 {
        shoot(work, video, &folder, 0).await?;
    }
    let seen = look(work, &poster, "The poster").await?;
    work.found(|made| made.placeholder = Some(seen.placeholder.clone()));
    put(work, "poster", file::POSTER, &poster, &seen).await?;
    let seen = look(work, &thumbnail, "The thumbnail").await?;
    put(work, "thumbnail", file::THUMBNAIL, &thumbnail, &seen).await
}

async fn shoot(
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

fn has_content(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.len() > 0)
}

/// The tiles of the storyboard in the ladder's folder: the ladder left them there, or, where the length of the film was
/// not known before, they are made now.
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

/// Makes (of its tiles), stores and publishes the storyboard.
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
    let seen = look(work, &path, "The storyboard").await?;
    put(work, "storyboard_sprite", file::STORYBOARD, &path, &seen).await?;
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
    let told = |block: &Block| {
        if let Some(ratio) = progress.update(block).ratio {
            work.reporter.stage_ratio(ratio);
        }
    };
    let ended = watch.run(child, told).await?;
    work.check(&ended, "make the storyboard")?;
    Ok(storyboard)
}

/// Decodes a picture that ffmpeg wrote: whoever gets it can, too.
async fn look(work: &Work<'_>, path: &Path, what: &str) -> Result<ImageReport, WorkError> {
    let bytes = tokio::fs::read(path).await;
    let bytes = bytes.map_err(|why| work.invalid(what, &why))?;
    let looked = tokio::task::spawn_blocking(move || decode(bytes)).await;
    let looked = looked.map_err(|why| work.invalid(what, &why))?;
    looked.map_err(|failure| work.invalid(what, &failure.detail))
}

/// Small: the decoder scales while it decodes, and no picture is kept.
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
    seen: &ImageReport,
) -> Result<(), WorkError> {
    let size_bytes = work.store(file, path, JPEG).await?;
    work.publish(MadeOutput {
        name: name.to_owned(),
        file: file.to_owned(),
        content_type: JPEG.to_owned(),
        width: Some(seen.width),
        height: Some(seen.height),
        size_bytes,
    });
    Ok(())
}
