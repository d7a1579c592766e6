//! Films and sound: from an original to HLS, MP4 and pictures, in named steps. ffmpeg fails silently in many ways, so
//! nothing of it is believed: what is published was looked into first.
//!
//! The way: [`fetch`](Storage::fetch_original) → [`probe`] → [`plan`] → [`remux`] → [`encode`] (with [`stills`] and
//! [`subtitles`] beside it) → [`hls`] → [`mp4`].
//!
//! [`Storage::fetch_original`]: crate::storage::Storage::fetch_original

mod collector;
mod encode;
mod hls;
mod mp4;
mod playlists;
mod probe;
mod remux;
mod rendition;
mod segment;
mod stills;
mod subtitles;
mod teller;
mod work;

use std::time::{Duration, Instant};

use serde_json::json;
use shared::problem::ErrorCode;
use shared::video::{Plan, Preset, Source, plan};
use shared::worker::{Made, Work as WorkToDo};

use self::teller::Stage;
use self::work::Work;
use crate::attempt::{Attempt, WorkError};

/// A slow fetch is told of this often, so that every heartbeat (one a second) has something new.
const FETCH_TOLD_EVERY: Duration = Duration::from_millis(500);

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
    fetch(&work).await?;
    work.teller.begin(Stage::Probe);
    let source = probe::run(&work).await?;
    let plan = decide(&work, &source, &preset)?;
    if plan.remux.is_some() {
        work.teller.begin(Stage::Remux);
    }
    let remuxed = remux::make(&work, &plan).await?;
    work.teller.begin(Stage::Encode);
    let ((), (), texts, ladder) = tokio::try_join!(
        remux::store(&work, remuxed),
        stills::poster(&work, &plan),
        subtitles::run(&work, &plan),
        encode::run(&work, &plan),
    )?;
    work.found(|made| made.duration_ms = Some(ladder.duration_ms));
    if ladder.is_damaged {
        // All the damage is in it. In what was encoded anew there is none.
        work.withdraw(remux::NAME);
    }
    hls::finish(&work, &plan, &ladder, texts).await?;
    if let Some(video) = &plan.video {
        stills::storyboard(&work, video, &ladder.folder, ladder.duration_ms).await?;
    }
    work.teller.begin(Stage::Package);
    let removed = tokio::fs::remove_file(work.input()).await;
    removed.map_err(|why| work.disk_failed(&why))?;
    mp4::run(&work, &plan, &ladder).await?;
    work.teller.stage_ratio(1.0);
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

async fn fetch(work: &Work<'_>) -> Result<(), WorkError> {
    let attempt = work.attempt;
    let total = attempt.claimed.source.size_bytes.max(1);
    let (mut told, mut told_at) = (0, Instant::now());
    attempt
        .storage
        .fetch_original(&work.input(), attempt.pulse.stop(), |bytes| {
            // In hundredths, or when it is time for a heartbeat: a word for every piece would only be overwritten.
            let millionths = bytes.saturating_mul(1_000_000) / total;
            if millionths >= told + 10_000 || told_at.elapsed() >= FETCH_TOLD_EVERY {
                (told, told_at) = (millionths, Instant::now());
                let millionths = u32::try_from(millionths).unwrap_or(1_000_000);
                work.teller.stage_ratio(f64::from(millionths) / 1_000_000.0);
            }
        })
        .await
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
