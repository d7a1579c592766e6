//! Video and audio: from an original to HLS, MP4 and stills, in named steps. ffmpeg fails silently in many ways, so every
//! output is verified before it is published.
//!
//! The steps: [`fetch`](Attempt::fetch) → [`probe`] → [`plan`] → [`encode`] (and at the same time [`remux`], [`stills`] and
//! [`subtitles`]) → [`hls`], [`mp4`] and the storyboard.

mod collector;
mod encode;
mod hls;
mod mp4;
mod playlists;
mod probe;
mod progress_reporter;
mod remux;
mod rendition;
mod segment;
mod stills;
mod subtitles;
mod work;

use serde_json::json;
use shared::problem::ErrorCode;
use shared::video::{Plan, Preset, Source, plan};
use shared::worker::{Made, Work as WorkToDo};

use self::progress_reporter::Stage;
use self::work::Work;
use crate::attempt::Attempt;
use crate::work_error::WorkError;

/// Makes all outputs of a video or audio file. When it is dropped or stopped, it kills its children.
///
/// # Errors
///
/// If the original is invalid, or the machine, the bucket or ffmpeg fails.
pub async fn run(attempt: &Attempt) -> Result<Made, WorkError> {
    let stop = attempt.pulse.stop();
    tokio::select! {
        // On the heap, because this future holds all others.
        made = Box::pin(make(attempt)) => made,
        () = stop.cancelled() => Err(WorkError::stopped()),
    }
}

async fn make(attempt: &Attempt) -> Result<Made, WorkError> {
    let preset = preset(attempt)?;
    let work = Work::new(attempt);
    let on_progress = |ratio| work.reporter.stage_ratio(ratio);
    attempt.fetch(on_progress).await?;
    work.reporter.begin(Stage::Probe);
    let source = probe::run(&work).await?;
    let plan = decide(&work, &source, &preset)?;
    work.reporter.begin(Stage::Encode);
    let poster = async {
        match stills::poster(&work, &plan).await {
            // The ladder decodes the whole file and decides whether that is possible.
            Err(error) if error.failure.code == ErrorCode::EncodeFailed => Ok(Err(error)),
            other => other.map(Ok),
        }
    };
    let ((), poster, texts, ladder) = tokio::try_join!(
        remux::run(&work, &plan),
        poster,
        subtitles::run(&work, &plan),
        encode::run(&work, &plan),
    )?;
    poster?;
    work.update(|made| made.duration_ms = Some(ladder.duration_ms));
    if ladder.is_damaged {
        // The remux has all the damage of the original; the encoded outputs do not.
        work.withdraw(remux::NAME);
    }
    work.reporter.begin(Stage::Package);
    let storyboard = stills::tiles(&work, &plan, &ladder).await?;
    // No later step needs the original, and the MP4 needs its disk space.
    let removed = tokio::fs::remove_file(work.input()).await;
    removed.map_err(|why| work.disk_failed(&why))?;
    tokio::try_join!(
        hls::finish(&work, &plan, &ladder, texts),
        stills::storyboard(&work, storyboard, &ladder),
        mp4::run(&work, &plan, &ladder),
    )?;
    work.reporter.stage_ratio(1.0);
    Ok(work.finish())
}

fn preset(attempt: &Attempt) -> Result<Preset, WorkError> {
    let WorkToDo::Video { preset } = &attempt.claimed.work else {
        let detail = "Internal error of the worker: the job is not for video or audio.";
        return Err(WorkError::permanent(ErrorCode::Internal, detail));
    };
    Preset::parse(&json!(preset).to_string()).map_err(|why| {
        WorkError::permanent(
            ErrorCode::Internal,
            format!(
                "The preset of the tenant is invalid: {why}. Correct VIDEO_PRESETS at the edge."
            ),
        )
    })
}

fn decide(work: &Work<'_>, source: &Source, preset: &Preset) -> Result<Plan, WorkError> {
    work.report("source", json!(source));
    let plan = plan(source, preset).map_err(|failure| WorkError {
        failure,
        class: shared::job::FailureClass::Permanent,
    })?;
    work.update(|made| {
        made.width = source.video.as_ref().map(|video| video.width);
        made.height = source.video.as_ref().map(|video| video.height);
        made.duration_ms = source.duration_ms;
    });
    Ok(plan)
}
