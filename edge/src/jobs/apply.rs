//! Changes the state of a job: read the row, ask [`step`], write.

use shared::id::JobId;
use shared::job::{Command, DEADLINE_MS, Job, LeaseHash, Outcome, step};
use shared::kind::RunsOn;
use shared::problem::ErrorCode;
use shared::time::Timestamp;

use super::request::Change;
use super::write::Write;
use crate::app::App;
use crate::clock;
use crate::db;
use crate::db::assets::AssetRow;
use crate::db::jobs::JobRow;
use crate::error::{Error, Result};
use crate::outbox::Effects;

/// How often a change is tried when other writes come between reading the job and writing it.
const CONFLICTS_MAX: u32 = 8;

/// An accepted change.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The job afterwards.
    pub(crate) job: Job,
    /// What happened.
    pub(crate) outcome: Outcome,
    /// Its asset before.
    pub(crate) asset: AssetRow,
    /// What is to be delivered now.
    pub(crate) effects: Effects,
}

/// Applies `change` to the job `id`.
///
/// # Errors
/// `not_found` when there is no such job, the code of a [`shared::job::Rejected`] when the state machine rejects the change, and
/// `unavailable` when the job was changed concurrently again and again.
pub(crate) async fn apply(app: &App, id: JobId, change: &Change) -> Result<Applied> {
    let db = app.db()?;
    for _ in 0..CONFLICTS_MAX {
        let row = db::jobs::get_any(&db, id)
            .await?
            .ok_or_else(Error::not_found)?;
        let asset = db::assets::get_any(&db, row.asset_id()?)
            .await?
            .ok_or_else(Error::not_found)?;
        check_runs_on(&row, change)?;
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
        "The job was changed concurrently; try again.",
    ))
}

/// A job can only be claimed where it runs: a stale hint must not give it to a worker that cannot do it.
fn check_runs_on(row: &JobRow, change: &Change) -> Result<()> {
    match change {
        Change::Claim { runs_on, .. } if row.runs_on()? != *runs_on => {
            let detail = format!("This job does not run on workers of kind {runs_on}.");
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

/// The state machine's command for a change.
fn command(app: &App, change: &Change, now: Timestamp) -> Command {
    match change {
        Change::Claim { token, runs_on, .. } => Command::Claim {
            lease: LeaseHash::of(token),
            lease_ms: app.config.lease_ms,
            // The time that a job waited for a native worker does not count.
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
