//! The one write path of jobs: read the row, ask the core ([`step`]), write the decision and everything that follows from
//! it as one guarded batch.
//!
//! Invariant: no other module writes `jobs` (but for the insert that creates one, [`insert`]) or an asset's state after
//! its upload.

mod write;

use shared::event::{Event, EventType};
use shared::id::{EventId, JobId};
use shared::job::{
    Command, DEADLINE_MS, FailureClass, Fence, Job, JobKind, LeaseHash, Outcome, step,
};
use shared::kind::RunsOn;
use shared::message::Message;
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement};

use self::write::Write;
use crate::app::App;
use crate::clock;
use crate::db::assets::{AssetRow, StoredOutput};
use crate::db::attempts::Early;
use crate::db::jobs::JobRow;
use crate::db::outbox::EventRow;
use crate::db::{self, statement, text, time};
use crate::error::{Error, Result};

/// How often a batch is tried again because somebody else changed the job between reading and writing.
const CONFLICTS_MAX: u32 = 8;

/// What somebody wants of a job, with what the database needs to know about it.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// `worker` takes it, if jobs that run where it `runs_on` are its own.
    Claim {
        worker: String,
        runs_on: RunsOn,
        token: String,
        nonce: u64,
    },
    /// Its worker is alive.
    Heartbeat {
        fence: Fence,
        /// The deadline becomes this if it is earlier.
        deadline_min: Option<Timestamp>,
        /// What is playable already.
        early: Option<Early>,
    },
    /// Its worker stored and verified all outputs.
    Finish { fence: Fence, made: Made },
    /// Its worker gives up this attempt.
    Fail {
        fence: Fence,
        class: FailureClass,
        failure: Failure,
        peak_memory_bytes: Option<u64>,
    },
    /// Its worker gives the attempt back.
    Release { fence: Fence },
    /// The edge cannot do it, a native worker may: gives the attempt back to be taken there.
    HandOver {
        fence: Fence,
        failure: Failure,
        peak_memory_bytes: Option<u64>,
    },
    /// Its owner stops it.
    Cancel,
    /// The sweeper looks at the clock.
    Expire,
    /// Somebody wants it tried afresh.
    Redrive,
}

/// What an attempt made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) outputs: Vec<StoredOutput>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) placeholder: Option<String>,
    pub(crate) peak_memory_bytes: Option<u64>,
    /// What was found out, as JSON.
    pub(crate) report: Option<String>,
}

/// An accepted change.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The job afterwards.
    pub(crate) job: Job,
    /// What happened.
    pub(crate) outcome: Outcome,
    /// Its asset before.
    pub(crate) asset: AssetRow,
    /// What has to happen outside the database now.
    pub(crate) effects: Effects,
}

/// What was decided and has to reach the queue and the hub. All of it is in the outboxes: if this process dies, the sweeper
/// does it.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Hub to tell.
    pub(crate) hub: String,
    /// Events that wait for it, in order.
    pub(crate) events: Vec<EventRow>,
    /// Message to send, and when it is due.
    pub(crate) message: Option<(Message, Timestamp)>,
    /// Job that no native worker needs a hint of any more.
    pub(crate) dispatched: Option<JobId>,
}

/// Applies `change` to the job `id`.
pub(crate) async fn apply(app: &App, id: JobId, change: &Change) -> Result<Applied> {
    let db = app.db()?;
    for _ in 0..CONFLICTS_MAX {
        let row = db::jobs::get_any(&db, id)
            .await?
            .ok_or_else(Error::not_found)?;
        let asset = db::assets::get_any(&db, row.asset_id()?)
            .await?
            .ok_or_else(Error::not_found)?;
        check_place(&row, change)?;
        let before = row.job()?;
        let now = clock::now();
        let (after, outcome) = step(&before, &command(app, change, now), now)?;
        let write = Write {
            app,
            db: &db,
            id,
            row: &row,
            asset: &asset,
            before: &before,
            after: &after,
            change,
            outcome,
            now,
        };
        if let Some(effects) = write.commit().await? {
            return Ok(Applied {
                job: after,
                outcome,
                asset,
                effects,
            });
        }
    }
    Err(Error::problem(
        ErrorCode::Unavailable,
        "The job changes too often; try again.",
    ))
}

/// A job is claimed where it runs: a stale hint must not bring it to a worker that cannot do it.
fn check_place(row: &JobRow, change: &Change) -> Result<()> {
    match change {
        Change::Claim { runs_on, .. } if row.runs_on()? != *runs_on => {
            let detail = format!("Jobs like this are not done by workers of kind {runs_on}.");
            Err(Error::problem(ErrorCode::JobBusy, detail))
        }
        Change::Claim { .. }
        | Change::Heartbeat { .. }
        | Change::Finish { .. }
        | Change::Fail { .. }
        | Change::Release { .. }
        | Change::HandOver { .. }
        | Change::Cancel
        | Change::Expire
        | Change::Redrive => Ok(()),
    }
}

/// The core's command for a change.
fn command(app: &App, change: &Change, now: Timestamp) -> Command {
    match change {
        Change::Claim { token, runs_on, .. } => Command::Claim {
            lease: LeaseHash::of(token),
            lease_ms: app.config.lease_ms,
            // A job may wait for a native worker as long as it takes; from here on it has its time.
            deadline_min: (*runs_on == RunsOn::Native).then(|| now.plus_ms(DEADLINE_MS)),
        },
        Change::Heartbeat {
            fence,
            deadline_min,
            ..
        } => Command::Heartbeat {
            fence: fence.clone(),
            lease_ms: app.config.lease_ms,
            deadline_min: *deadline_min,
        },
        Change::Finish { fence, .. } => Command::Finish {
            fence: fence.clone(),
        },
        Change::Fail { fence, class, .. } => Command::Fail {
            fence: fence.clone(),
            class: *class,
            jitter: clock::random_u64(),
        },
        Change::Release { fence } | Change::HandOver { fence, .. } => Command::Release {
            fence: fence.clone(),
        },
        Change::Cancel => Command::Cancel,
        Change::Expire => Command::Expire,
        Change::Redrive => Command::Redrive {
            deadline: now.plus_ms(DEADLINE_MS),
        },
    }
}

/// An event about `asset`, with nothing filled in that only some events have.
pub(crate) fn new_event(event_type: EventType, asset: &AssetRow, now: Timestamp) -> Result<Event> {
    Ok(Event {
        seq: None,
        event_type,
        event_id: EventId::new(now, clock::random()),
        time: now,
        tenant: asset.tenant.clone(),
        asset_id: asset.id()?,
        job_id: asset.job_id()?,
        attempt: None,
        progress: None,
        result: None,
        error: None,
    })
}

/// Creates the job of an asset whose upload is verified, unless it exists: the asset's row decides.
pub(crate) fn insert(
    db: &D1Database,
    asset: &AssetRow,
    runs_on: RunsOn,
    now: Timestamp,
) -> Result<[D1PreparedStatement; 2]> {
    let id = asset.job_id()?.to_string();
    let kind = JobKind::of(asset.kind()?)
        .ok_or_else(|| Error::internal("an asset of this kind has no job"))?;
    let job = statement(
        db,
        "INSERT INTO jobs (id, asset_id, tenant, user_id, kind, runs_on, state, run_at, deadline_at, created_at, write_id) \
         SELECT ?1, id, tenant, user_id, ?2, ?6, 'queued', ?3, ?4, ?3, ?5 FROM assets WHERE job_id = ?1 AND state = 'awaiting_upload'",
        &[
            text(&id),
            text(kind.as_str()),
            time(now),
            time(now.plus_ms(DEADLINE_MS)),
            text(&clock::random_token()),
            text(runs_on.as_str()),
        ],
    )?;
    let message = statement(
        db,
        "INSERT INTO outbox_messages (job_id, due_at) SELECT job_id, ? FROM assets WHERE job_id = ? AND state = 'awaiting_upload'",
        &[time(now), text(&id)],
    )?;
    Ok([job, message])
}
