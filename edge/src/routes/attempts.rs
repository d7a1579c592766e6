//! The verbs of native workers on jobs. A claim hands out a fence, every other verb brings it back.

use futures_util::future::{join_all, try_join};
use shared::api::Op;
use shared::asset::Visibility;
use shared::event::{Event, EventType};
use shared::id::{EventId, JobId};
use shared::image::ImagePlan;
use shared::job::{
    Command, Fence, Job, JobKind, JobState, LeaseHash, Progress, Rejected, State, deadline_min,
    step,
};
use shared::key;
use shared::kind::RunsOn;
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;
use shared::worker::{
    BucketRole, ClaimedJob, Destination, FailJob, FinishJob, Heartbeat, HeartbeatJob, Made,
    MadeOutput, ReleaseJob, Source, Work,
};
use worker::{Bucket, Response};

use crate::app::App;
use crate::db::assets::{AssetRow, StoredOutput};
use crate::db::attempts::{Early, HeldRow};
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::hub::{self, Append};
use crate::jobs::{self, Change};
use crate::outbox;
use crate::routes::workers;
use crate::{clock, db, sweeper};

/// A lease is renewed in the database when it is this old, or a third of a shorter one.
const RENEW_AFTER_MS: u64 = 10_000;

/// Memory that a native worker may take for one image, unless it says less itself.
const NATIVE_IMAGE_MEMORY_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Most outputs with names; segments have none.
const OUTPUTS_MAX: usize = 64;

/// Longest detail of a failure that is kept, in characters.
const DETAIL_MAX_CHARS: usize = 2_000;

/// `POST /v1/jobs/{id}/claim`
pub(crate) async fn claim(app: &App, call: &Call) -> Result<Response> {
    let id: JobId = call.id()?;
    let worker = call.principal(app)?.user;
    workers::seen(app, &worker).await;
    // A lease ends by the clock: somebody has to look at it.
    sweeper::wake(&app.env).await;
    let (token, nonce) = (clock::random_token(), clock::random_u64());
    let claim = Change::Claim {
        worker,
        runs_on: RunsOn::Native,
        token: token.clone(),
        nonce,
    };
    let claimed = jobs::apply(app, id, &claim).await?;
    // Before the answer: a hint that a later release brings must not be forgotten in place of the one of this claim.
    outbox::settle(app, claimed.effects).await;
    let State::Running { lease_until, .. } = claimed.job.state else {
        return Err(Error::internal("a claimed job does not run"));
    };
    let attempt = claimed.job.attempt;
    let held = db::attempts::held(&app.db()?, id, attempt).await?;
    let held = held.ok_or_else(Error::not_found)?;
    let asset = claimed.asset;
    json(
        Op::ClaimJob,
        &ClaimedJob {
            job: db::jobs::view(&app.db()?, &held.job).await?,
            attempt,
            lease_token: token,
            lease_ms: app.config.lease_ms,
            lease_until,
            source: Source {
                bucket: BucketRole::Raw,
                key: key::original(asset.id()?),
                size_bytes: asset.size_bytes,
                content_type: asset.content_type.clone(),
                sha256: asset.sha256.clone(),
            },
            destination: Destination {
                bucket: bucket_role(&asset)?,
                prefix: held.output_prefix.clone(),
            },
            work: work(app, &held, &asset)?,
        },
    )
}

fn bucket_role(asset: &AssetRow) -> Result<BucketRole> {
    Ok(match asset.visibility()? {
        Visibility::Public => BucketRole::Public,
        Visibility::Private => BucketRole::Raw,
    })
}

fn bucket(app: &App, role: BucketRole) -> Result<Bucket> {
    match role {
        BucketRole::Public => app.public(),
        BucketRole::Raw => app.raw(),
    }
}

fn work(app: &App, held: &HeldRow, asset: &AssetRow) -> Result<Work> {
    Ok(match held.job.kind()? {
        JobKind::ProcessImage => Work::Image {
            plan: ImagePlan::native(app.config.pixels_max, NATIVE_IMAGE_MEMORY_MAX_BYTES),
        },
        JobKind::ProcessVideo | JobKind::ProcessAudio => Work::Video {
            preset: app.config.video_presets.of(&asset.tenant),
        },
    })
}

/// An attempt that the caller holds or once held: its token is the right one.
struct Held {
    id: JobId,
    fence: Fence,
    row: HeldRow,
}

/// Checks the fence of a verb against the attempt that it names. What is gone is stale, too: there is nothing to work on.
async fn held(app: &App, call: &Call, attempt: u32, lease_token: &str) -> Result<Held> {
    let id: JobId = call.id()?;
    let worker = call.principal(app)?.user;
    workers::seen(app, &worker).await;
    let lease = LeaseHash::of(lease_token);
    let row = db::attempts::held(&app.db()?, id, attempt).await?;
    let row =
        row.filter(|row| row.held_by == worker && row.held_hash.as_deref() == Some(lease.as_str()));
    Ok(Held {
        id,
        fence: Fence { attempt, lease },
        row: row.ok_or(Rejected::Stale)?,
    })
}

/// Whether the database has to hear of a heartbeat that only renews: when the lease is old.
fn is_old(lease_until: Timestamp, lease_ms: u64, now: Timestamp) -> bool {
    let age = lease_ms.saturating_sub(lease_until.ms_since(now));
    age >= RENEW_AFTER_MS.min(lease_ms / 3)
}

/// `POST /v1/jobs/{id}/heartbeat`
pub(crate) async fn heartbeat(app: &App, call: &Call) -> Result<Response> {
    let body: HeartbeatJob = call.json()?;
    let held = held(app, call, body.attempt, &body.lease_token).await?;
    let now = clock::now();
    let drain = held.row.is_drained();
    let job = held.row.job.job()?;
    if job.state == State::Cancelled && job.attempt == body.attempt {
        return json(
            Op::HeartbeatJob,
            &Heartbeat {
                lease_until: now,
                cancel: true,
                drain,
            },
        );
    }
    let early = body.early.as_ref();
    let early = early.map(|made| playable(&held, made)).transpose()?;
    let duration_ms = early.as_ref().and_then(|early| early.duration_ms);
    let started = Timestamp::from_ms(held.row.started_at);
    let deadline_min = duration_ms.map(|duration| deadline_min(started, duration));
    let is_shown = early.is_some();
    let renewing = renew(app, &held, &job, deadline_min, early);
    let telling = tell(app, &held, body.progress);
    let lease_until = if is_shown {
        // Whoever hears of an output asks for it.
        let lease_until = renewing.await?;
        telling.await?;
        lease_until
    } else {
        try_join(renewing, telling).await?.0
    };
    let answer = Heartbeat {
        lease_until,
        cancel: false,
        drain,
    };
    json(Op::HeartbeatJob, &answer)
}

/// Keeps the lease; writes only what is worth a write.
async fn renew(
    app: &App,
    held: &Held,
    job: &Job,
    deadline_min: Option<Timestamp>,
    early: Option<Early>,
) -> Result<Timestamp> {
    let (now, lease_ms) = (clock::now(), app.config.lease_ms);
    let command = Command::Heartbeat {
        fence: held.fence.clone(),
        lease_ms,
        deadline_min,
    };
    let (after, _) = step(job, &command, now)?;
    let until = |job: &Job| match job.state {
        State::Running { lease_until, .. } => lease_until,
        State::Queued { .. } | State::Succeeded | State::Failed | State::Cancelled => now,
    };
    let is_news = early.is_some() || after.deadline != job.deadline;
    if !is_news && !is_old(until(job), lease_ms, now) {
        return Ok(until(job));
    }
    let change = Change::Heartbeat {
        fence: held.fence.clone(),
        deadline_min,
        early,
    };
    let applied = jobs::apply(app, held.id, &change).await?;
    outbox::settle(app, applied.effects).await;
    Ok(until(&applied.job))
}

/// Tells the owner how far the job is. Progress that is not heard is no reason to stop.
async fn tell(app: &App, held: &Held, progress: Option<Progress>) -> Result<()> {
    let Some(progress) = progress else {
        return Ok(());
    };
    let job = &held.row.job;
    let is_current = job.state()? == JobState::Running && job.attempt == held.fence.attempt;
    if !is_current {
        return Ok(());
    }
    let now = clock::now();
    let event = Event {
        seq: None,
        event_type: EventType::ProcessingProgress,
        event_id: EventId::new(now, clock::random()),
        time: now,
        tenant: job.tenant.clone(),
        asset_id: job.asset_id()?,
        job_id: held.id,
        attempt: Some(held.fence.attempt),
        progress: Some(progress.bounded()),
        result: None,
        error: None,
    };
    let hub = hub::name(&job.tenant, &job.user_id);
    if let Err(error) = hub::append(app, &hub, &[Append::of(&event)?]).await {
        worker::console_warn!("progress not told: {error:?}");
    }
    Ok(())
}

fn invalid(detail: String) -> Error {
    Error::problem(ErrorCode::OutputInvalid, detail)
}

/// Outputs with their keys: names that are one of a kind, files below the attempt's prefix.
fn with_keys(held: &Held, made: &[MadeOutput]) -> Result<Vec<StoredOutput>> {
    if made.len() > OUTPUTS_MAX {
        return Err(invalid(format!("More than {OUTPUTS_MAX} outputs.")));
    }
    let mut stored: Vec<StoredOutput> = Vec::with_capacity(made.len());
    for output in made {
        let is_name = (1..=64).contains(&output.name.len())
            && output
                .name
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if !is_name || stored.iter().any(|other| other.name == output.name) {
            return Err(invalid(
                "An output's name has 1–64 of a–z, 0–9, _ and -, and stands there once.".to_owned(),
            ));
        }
        let key = format!("{}{}", held.row.output_prefix, output.file);
        let is_below = key::parse_output(&key)
            .is_some_and(|parsed| parsed.prefix.to_string() == held.row.output_prefix);
        if !is_below || output.content_type.len() > 128 {
            return Err(invalid(format!(
                "The output {} names no file below the attempt's prefix.",
                output.name
            )));
        }
        stored.push(StoredOutput {
            name: output.name.clone(),
            key,
            content_type: output.content_type.clone(),
            width: output.width,
            height: output.height,
            size_bytes: output.size_bytes,
        });
    }
    Ok(stored)
}

fn playable(held: &Held, made: &Made) -> Result<Early> {
    Ok(Early {
        outputs: with_keys(held, &made.outputs)?,
        width: made.width,
        height: made.height,
        duration_ms: made.duration_ms,
        placeholder: made.placeholder.clone(),
    })
}

/// Asks the bucket for every output: what is published is there, whole.
async fn check_stored(bucket: &Bucket, outputs: &[StoredOutput]) -> Result<()> {
    let heads = outputs.iter().map(|output| bucket.head(&output.key));
    for (output, head) in outputs.iter().zip(join_all(heads).await) {
        let size = head?.map(|object| object.size());
        if size != Some(output.size_bytes) {
            let found = size.map_or("is not stored".to_owned(), |size| {
                format!("has {size} bytes in the bucket")
            });
            return Err(invalid(format!(
                "The output {} {found}, {} were reported. Store it again, then finish.",
                output.name, output.size_bytes
            )));
        }
    }
    Ok(())
}

/// `POST /v1/jobs/{id}/finish`. Whoever won may say so again: its first answer may have been lost.
pub(crate) async fn finish(app: &App, call: &Call) -> Result<Response> {
    let FinishJob {
        attempt,
        lease_token,
        made,
    } = call.json()?;
    let held = held(app, call, attempt, &lease_token).await?;
    let job = held.row.job.job()?;
    if job.state == State::Succeeded && job.attempt == attempt {
        return view(app, Op::FinishJob, held.id).await;
    }
    let finish = Command::Finish {
        fence: held.fence.clone(),
    };
    // A stale worker hears that first, not that its outputs are gone.
    step(&job, &finish, clock::now())?;
    if made.outputs.is_empty() {
        return Err(invalid("Nothing was made.".to_owned()));
    }
    let asset = db::assets::get_any(&app.db()?, held.row.job.asset_id()?).await?;
    let asset = asset.ok_or(Rejected::Stale)?;
    let outputs = with_keys(&held, &made.outputs)?;
    check_stored(&bucket(app, bucket_role(&asset)?)?, &outputs).await?;
    let report = made
        .report
        .as_ref()
        .map(serde_json::to_string)
        .transpose()?;
    let change = Change::Finish {
        fence: held.fence.clone(),
        made: jobs::Made {
            outputs,
            width: made.width,
            height: made.height,
            duration_ms: made.duration_ms,
            placeholder: made.placeholder,
            peak_memory_bytes: made.peak_memory_bytes,
            report,
        },
    };
    end(app, Op::FinishJob, &held, &change).await
}

/// `POST /v1/jobs/{id}/fail`
pub(crate) async fn fail(app: &App, call: &Call) -> Result<Response> {
    let body: FailJob = call.json()?;
    if !body.code.is_of_worker() {
        let detail = format!(
            "{} is no code that a worker ends an attempt with.",
            body.code.as_str()
        );
        return Err(Error::problem(ErrorCode::RequestInvalid, detail));
    }
    let held = held(app, call, body.attempt, &body.lease_token).await?;
    let detail: String = body.detail.chars().take(DETAIL_MAX_CHARS).collect();
    let change = Change::Fail {
        fence: held.fence.clone(),
        class: body.class.into(),
        failure: Failure::new(body.code, detail),
        peak_memory_bytes: None,
    };
    end(app, Op::FailJob, &held, &change).await
}

/// `POST /v1/jobs/{id}/release`
pub(crate) async fn release(app: &App, call: &Call) -> Result<Response> {
    let body: ReleaseJob = call.json()?;
    let held = held(app, call, body.attempt, &body.lease_token).await?;
    let change = Change::Release {
        fence: held.fence.clone(),
    };
    end(app, Op::ReleaseJob, &held, &change).await
}

/// Ends the attempt by `change`.
async fn end(app: &App, op: Op, held: &Held, change: &Change) -> Result<Response> {
    sweeper::wake(&app.env).await;
    let applied = jobs::apply(app, held.id, change).await.map_err(gone)?;
    outbox::settle(app, applied.effects).await;
    view(app, op, held.id).await
}

/// To a worker a job that was deleted meanwhile is one that it no longer holds.
fn gone(error: Error) -> Error {
    match error {
        Error::Problem(failure) if failure.code == ErrorCode::NotFound => Rejected::Stale.into(),
        Error::Problem(_) | Error::Internal(_) => error,
    }
}

async fn view(app: &App, op: Op, id: JobId) -> Result<Response> {
    let database = app.db()?;
    let row = db::jobs::get_any(&database, id).await?;
    let row = row.ok_or(Rejected::Stale)?;
    json(op, &db::jobs::view(&database, &row).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_lease_is_renewed() {
        let now = Timestamp::from_ms(1_000_000);
        // Lease, what is left of it, whether it is renewed.
        let table = [
            (30_000, 30_000, false),
            (30_000, 20_001, false),
            (30_000, 20_000, true),
            (30_000, 0, true),
            (3_000, 2_001, false),
            (3_000, 2_000, true),
            (300_000, 290_001, false),
            (300_000, 290_000, true),
        ];
        for (lease_ms, left_ms, expected) in table {
            let is_renewed = is_old(now.plus_ms(left_ms), lease_ms, now);
            assert_eq!(is_renewed, expected, "{left_ms} of {lease_ms} ms");
        }
        assert!(is_old(now.minus_ms(5), 30_000, now), "it ran out already");
    }
}
