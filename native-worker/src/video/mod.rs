//! Films and sound: from an original to HLS, MP4 and pictures, in named steps. ffmpeg fails silently in many ways, so
//! nothing of it is believed: what is published was looked into first.
//!
//! The way: [`fetch`](Attempt::fetch) → [`probe`] → [`plan`] → [`encode`] (beside it [`remux`], [`stills`] and
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

/// Makes everything of a film or of sound. Dropped, or told to stop, it leaves no child behind.
pub async fn run(attempt: &Attempt) -> Result<Made, WorkError> {
    let stop = attempt.pulse.stop();
    tokio::select! {
        // On the heap: this future holds all others.
        made = Box::pin(make(attempt)) => made,
        () = stop.cancelled() => Err(WorkError::stopped()),
    }
}

async fn make(attempt: &Attempt) -> Result<Made, WorkError> {
    let preset = preset(attempt)?;
    let work = Work::new(attempt);
    let told = |ratio| work.reporter.stage_ratio(ratio);
    attempt.fetch(told).await?;
    work.reporter.begin(Stage::Probe);
    let source = probe::run(&work).await?;
    let plan = decide(&work, &source, &preset)?;
    work.reporter.begin(Stage::Encode);
    let poster = async {
        match stills::poster(&work, &plan).await {
            // Whether the content can be decoded the ladder says, which reads all of it.
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
    work.found(|made| made.duration_ms = Some(ladder.duration_ms));
    if ladder.is_damaged {
        // All the damage is in it. In what was encoded anew there is none.
        work.withdraw(remux::NAME);
    }
    work.reporter.begin(Stage::Package);
    let storyboard = stills::tiles(&work, &plan, &ladder).await?;
    // The last that needs it was before this; the MP4 takes its place.
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
        let detail = "The job is none for films or sound; this is a fault of the worker.";
        return Err(WorkError::permanent(ErrorCode::Internal, detail));
    };
    Preset::parse(&json!(preset).to_string()).map_err(|why| {
        WorkError::permanent(
            ErrorCode::Internal,
            format!(
                "The preset of the tenant is not valid: {why}. Correct VIDEO_PRESETS at the edge."
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
    work.found(|made| {
        made.width = source.video.as_ref().map(|video| video.width);
        made.height = source.video.as_ref().map(|video| video.height);
        made.duration_ms = source.duration_ms;
    });
    Ok(plan)
}
