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
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement};

use self::write::Write;
use crate::app::App;
use crate::clock;
use crate::db::assets::{AssetRow, StoredOutput};
use crate::db::outbox::EventRow;
use crate::db::{self, statement, text, time};
use crate::error::{Error, Result};

/// How often a batch is tried again because somebody else changed the job between reading and writing.
const CONFLICTS_MAX: u32 = 8;

/// What somebody wants of a job, with what the database needs to know about it.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// `worker` takes it.
    Claim {
        worker: String,
        token: String,
        nonce: u64,
    },
    /// Its worker is alive.
    Heartbeat { fence: Fence },
    /// Its worker stored and verified all outputs.
    Finish { fence: Fence, made: Made },
    /// Its worker gives up this attempt.
    Fail {
        fence: Fence,
        class: FailureClass,
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
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) placeholder: String,
    pub(crate) peak_memory_bytes: u64,
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
    /// Job whose message is to be sent, and when it is due.
    pub(crate) message: Option<(JobId, Timestamp)>,
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

/// The core's command for a change.
fn command(app: &App, change: &Change, now: Timestamp) -> Command {
    match change {
        Change::Claim { token, .. } => Command::Claim {
            lease: LeaseHash::of(token),
            lease_ms: app.config.lease_ms,
        },
        Change::Heartbeat { fence } => Command::Heartbeat {
            fence: fence.clone(),
            lease_ms: app.config.lease_ms,
        },
        Change::Finish { fence, .. } => Command::Finish {
            fence: fence.clone(),
        },
        Change::Fail { fence, class, .. } => Command::Fail {
            fence: fence.clone(),
            class: *class,
            jitter: clock::random_u64(),
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
    now: Timestamp,
) -> Result<[D1PreparedStatement; 2]> {
    let id = asset.job_id()?.to_string();
    let job = statement(
        db,
        "INSERT INTO jobs (id, asset_id, tenant, user_id, kind, state, run_at, deadline_at, created_at, write_id) \
         SELECT ?1, id, tenant, user_id, ?2, 'queued', ?3, ?4, ?3, ?5 FROM assets WHERE job_id = ?1 AND state = 'awaiting_upload'",
        &[
            text(&id),
            text(JobKind::ProcessImage.as_str()),
            time(now),
            time(now.plus_ms(DEADLINE_MS)),
            text(&clock::random_token()),
        ],
    )?;
    let message = statement(
        db,
        "INSERT INTO outbox_messages (job_id, due_at) SELECT job_id, ? FROM assets WHERE job_id = ? AND state = 'awaiting_upload'",
        &[time(now), text(&id)],
    )?;
    Ok([job, message])
}
