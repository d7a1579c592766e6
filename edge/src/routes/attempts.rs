//! The operations of native workers on jobs. A claim hands out a fence, and every other operation presents it.

use futures_util::future::{join_all, try_join};
use shared::api::Op;
use shared::id::JobId;
use shared::image::ImagePlan;
use shared::job::{
    Command, Fence, JobKind, JobState, LeaseHash, Progress, Rejected, State, deadline_min, step,
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

use super::workers;
use crate::app::App;
use crate::clock;
use crate::db;
use crate::db::assets::AssetRow;
use crate::db::attempts::Early;
use crate::db::held::HeldRow;
use crate::db::workers::Sign;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::jobs;
use crate::jobs::lease::{self, Renewal, lease_until};
use crate::jobs::request::{self, Change};
use crate::outbox;
use crate::storage;
use crate::storage::output::StoredOutput;
use crate::sweeper;

/// Most memory of a native worker for one image. A worker may have a lower limit of its own.
const NATIVE_IMAGE_MEMORY_MAX_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Most named outputs; segments have no names.
const OUTPUTS_MAX: usize = 64;

/// Longest detail of a failure, in characters; the rest is cut.
const DETAIL_MAX_CHARS: usize = 2_000;

/// `POST /v1/jobs/{id}/claim`
pub(super) async fn claim(app: &App, call: &Call) -> Result<Response> {
    let id: JobId = call.id()?;
    let worker = call.principal(app)?.user;
    workers::seen(app, &worker, Sign::Request).await;
    // The sweeper notices when the lease expires.
    sweeper::wake(&app.env).await;
    let (token, nonce) = (clock::random_token(), clock::random_u64());
    let claim = Change::Claim {
        worker,
        runs_on: RunsOn::Native,
        token: token.clone(),
        nonce,
    };
    let claimed = jobs::apply(app, id, &claim).await?;
    // Before the response: a release that follows it brings a new hint, and that one must not be forgotten in its place.
    outbox::settle(app, claimed.effects).await;
    let State::Running { lease_until, .. } = claimed.job.state else {
        return Err(Error::internal("a claimed job is not running"));
    };
    let attempt = claimed.job.attempt;
    let held = db::held::get(&app.db()?, id, attempt).await?;
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
                bucket: storage::role(asset.visibility()?),
                prefix: held.output_prefix.clone(),
            },
            work: work(app, &held, &asset)?,
        },
    )
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

/// An attempt that the caller holds or held: its lease token is the right one.
struct Held {
    id: JobId,
    fence: Fence,
    row: HeldRow,
}

/// Checks the fence of a request against the attempt that it names. The lease of a deleted job is also stale.
async fn held(app: &App, call: &Call, attempt: u32, lease_token: &str) -> Result<Held> {
    let id: JobId = call.id()?;
    let worker = call.principal(app)?.user;
    workers::seen(app, &worker, Sign::Request).await;
    let lease = LeaseHash::of(lease_token);
    let row = db::held::get(&app.db()?, id, attempt).await?;
    let row =
        row.filter(|row| row.held_by == worker && row.held_hash.as_deref() == Some(lease.as_str()));
    Ok(Held {
        id,
        fence: Fence { attempt, lease },
        row: row.ok_or(Rejected::Stale)?,
    })
}

/// `POST /v1/jobs/{id}/heartbeat`
pub(super) async fn heartbeat(app: &App, call: &Call) -> Result<Response> {
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
    let duration_ms = early.as_ref().and_then(|early| early.facts.duration_ms);
    let started = Timestamp::from_ms(held.row.started_at);
    let deadline_min = duration_ms.map(|duration| deadline_min(started, duration));
    let brings_outputs = early.is_some();
    let subject = held.row.job.subject()?;
    let renewal = Renewal {
        fence: held.fence.clone(),
        deadline_min,
        early,
    };
    let renewing = lease::renew(app, &subject, &job, renewal);
    let reporting = async {
        match body.progress {
            Some(progress) => report(app, &held, progress).await,
            None => Ok(()),
        }
    };
    let renewed = if brings_outputs {
        // Clients request an output as soon as its progress event names it, so it must be stored first.
        let renewed = renewing.await?;
        reporting.await?;
        renewed
    } else {
        try_join(renewing, reporting).await?.0
    };
    let answer = Heartbeat {
        lease_until: lease_until(&renewed, now),
        cancel: false,
        drain,
    };
    json(Op::HeartbeatJob, &answer)
}

/// Publishes the progress of an attempt that is still the current one.
async fn report(app: &App, held: &Held, progress: Progress) -> Result<()> {
    let job = &held.row.job;
    if job.state()? == JobState::Running && job.attempt == held.fence.attempt {
        lease::report_progress(app, &job.subject()?, held.fence.attempt, progress).await
    } else {
        Ok(())
    }
}

fn invalid(detail: String) -> Error {
    Error::problem(ErrorCode::OutputInvalid, detail)
}

/// Outputs with their keys. Checks that each name is unique and each file is below the prefix of the attempt.
fn with_keys(held: &Held, made: &[MadeOutput]) -> Result<Vec<StoredOutput>> {
    if made.len() > OUTPUTS_MAX {
        return Err(invalid(format!(
            "There may be at most {OUTPUTS_MAX} outputs."
        )));
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
                "The name of an output must be unique and consist of 1–64 of the characters a–z, 0–9, _ and -.".to_owned(),
            ));
        }
        let key = format!("{}{}", held.row.output_prefix, output.file);
        let is_below = key::parse_output(&key)
            .is_some_and(|parsed| parsed.prefix.to_string() == held.row.output_prefix);
        if !is_below || output.content_type.len() > 128 {
            return Err(invalid(format!(
                "The file of output {} must be below the prefix of the attempt, and its content_type must have at most 128 bytes.",
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
        facts: made.facts(),
    })
}

/// Checks that every output is in the bucket with the reported size.
async fn check_stored(bucket: &Bucket, outputs: &[StoredOutput]) -> Result<()> {
    let heads = outputs.iter().map(|output| bucket.head(&output.key));
    for (output, head) in outputs.iter().zip(join_all(heads).await) {
        let size = head?.map(|object| object.size());
        if size != Some(output.size_bytes) {
            let found = size.map_or("is not in the bucket".to_owned(), |size| {
                format!("has {size} bytes in the bucket")
            });
            return Err(invalid(format!(
                "The output {} {found}, but {} bytes were reported. Store it again, then finish.",
                output.name, output.size_bytes
            )));
        }
    }
    Ok(())
}

/// `POST /v1/jobs/{id}/finish`. The worker that finished the job may repeat it: the first response may have been lost.
pub(super) async fn finish(app: &App, call: &Call) -> Result<Response> {
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
    // Before the outputs are checked: a stale worker gets lease_stale, not output_invalid.
    step(&job, &finish, clock::now())?;
    if made.outputs.is_empty() {
        return Err(invalid("outputs must not be empty.".to_owned()));
    }
    let asset = db::assets::get_any(&app.db()?, held.row.job.asset_id()?).await?;
    let asset = asset.ok_or(Rejected::Stale)?;
    let outputs = with_keys(&held, &made.outputs)?;
    check_stored(&storage::outputs(app, asset.visibility()?)?, &outputs).await?;
    let report = made
        .report
        .as_ref()
        .map(serde_json::to_string)
        .transpose()?;
    let change = Change::Finish {
        fence: held.fence.clone(),
        made: request::Made {
            outputs,
            facts: made.facts(),
            peak_memory_bytes: made.peak_memory_bytes,
            report,
        },
    };
    end(app, Op::FinishJob, &held, &change).await
}

/// `POST /v1/jobs/{id}/fail`
pub(super) async fn fail(app: &App, call: &Call) -> Result<Response> {
    let body: FailJob = call.json()?;
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
pub(super) async fn release(app: &App, call: &Call) -> Result<Response> {
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

/// For its worker the lease of a job that was deleted is stale.
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
