//! Rows of `jobs`. Only `crate::jobs` uses the functions that write.

use serde::Deserialize;
use shared::api::JobCount;
use shared::id::{AssetId, JobId};
use shared::job::{Attempt, Job, JobKind, JobState, JobView, LeaseHash, Progress, State};
use shared::kind::RunsOn;
use shared::problem::Failure;
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement};

use super::assets::AssetRow;
use super::guard::Guard;
use super::query::Query;
use super::{
    all, attempts, failure, first, int, int_or_null, statement, text, text_or_null, time, word,
};
use crate::error::{Error, Result};
use crate::hub::subject::Subject;
use crate::scope::Scope;

/// One row.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct JobRow {
    id: String,
    asset_id: String,
    pub(crate) tenant: String,
    pub(crate) user_id: String,
    kind: String,
    runs_on: String,
    state: String,
    pub(crate) attempt: u32,
    failures: u32,
    losses: u32,
    run_at: Option<u64>,
    lease_hash: Option<String>,
    lease_until: Option<u64>,
    deadline_at: u64,
    error_code: Option<String>,
    error_detail: Option<String>,
    created_at: u64,
    write_id: String,
}

impl JobRow {
    pub(crate) fn id(&self) -> Result<JobId> {
        word(&self.id)
    }

    pub(crate) fn asset_id(&self) -> Result<AssetId> {
        word(&self.asset_id)
    }

    pub(crate) fn state(&self) -> Result<JobState> {
        word(&self.state)
    }

    pub(crate) fn kind(&self) -> Result<JobKind> {
        word(&self.kind)
    }

    /// Where it runs.
    pub(crate) fn runs_on(&self) -> Result<RunsOn> {
        word(&self.runs_on)
    }

    /// What events of this job are about.
    pub(crate) fn subject(&self) -> Result<Subject> {
        Ok(Subject {
            tenant: self.tenant.clone(),
            user: self.user_id.clone(),
            asset_id: self.asset_id()?,
            job_id: self.id()?,
        })
    }

    /// The part that the state machine decides by.
    pub(crate) fn job(&self) -> Result<Job> {
        let missing = || Error::internal(format!("job {} lacks a column of its state", self.id));
        let state = match word::<JobState>(&self.state)? {
            JobState::AwaitingUpload => {
                return Err(Error::internal("a job that waits for an upload is stored"));
            }
            JobState::Queued => State::Queued {
                run_at: Timestamp::from_ms(self.run_at.ok_or_else(missing)?),
            },
            JobState::Running => State::Running {
                lease: LeaseHash::stored(self.lease_hash.clone().ok_or_else(missing)?),
                lease_until: Timestamp::from_ms(self.lease_until.ok_or_else(missing)?),
            },
            JobState::Succeeded => State::Succeeded,
            JobState::Failed => State::Failed,
            JobState::Cancelled => State::Cancelled,
        };
        Ok(Job {
            state,
            attempt: self.attempt,
            runs_on: self.runs_on()?,
            failures: self.failures,
            losses: self.losses,
            deadline: Timestamp::from_ms(self.deadline_at),
        })
    }

    /// The job as clients see it.
    pub(crate) fn view(&self, attempts: Vec<Attempt>) -> Result<JobView> {
        let state = word::<JobState>(&self.state)?;
        let ratio = match state {
            JobState::Succeeded => Some(1.0),
            JobState::AwaitingUpload
            | JobState::Queued
            | JobState::Running
            | JobState::Failed
            | JobState::Cancelled => None,
        };
        Ok(JobView {
            id: self.id()?,
            kind: word::<JobKind>(&self.kind)?,
            state,
            asset_id: self.asset_id()?,
            attempt: self.attempt,
            progress: Progress {
                ratio,
                stage: state.as_str().to_owned(),
                rendition: None,
                ..Progress::default()
            },
            error: failure(self.error_code.as_deref(), self.error_detail.as_deref())?,
            attempts,
            created_at: Timestamp::from_ms(self.created_at),
        })
    }
}

/// A job that is about to be created.
pub(crate) struct NewJob {
    pub(crate) kind: JobKind,
    pub(crate) runs_on: RunsOn,
    /// When it can be claimed.
    pub(crate) run_at: Timestamp,
    pub(crate) deadline: Timestamp,
    pub(crate) write_id: String,
}

/// A queued job for `asset`, with the id that was reserved for it.
pub(crate) fn insert(
    guard: &Guard<'_>,
    asset: &AssetRow,
    job: &NewJob,
) -> Result<D1PreparedStatement> {
    guard.statement(
        "INSERT INTO jobs (id, asset_id, tenant, user_id, kind, runs_on, state, run_at, deadline_at, created_at, write_id) \
         SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
        &[
            text(&asset.job_id()?.to_string()),
            text(&asset.id()?.to_string()),
            text(&asset.tenant),
            text(&asset.user_id),
            text(job.kind.as_str()),
            text(job.runs_on.as_str()),
            text(JobState::Queued.as_str()),
            time(job.run_at),
            time(job.deadline),
            time(asset.created_at()),
            text(&job.write_id),
        ],
    )
}

/// A decision on a job.
pub(crate) struct Update<'a> {
    /// The job after it.
    pub(crate) after: &'a Job,
    /// Where the job runs from now on.
    pub(crate) runs_on: RunsOn,
    /// Why the job ended without success.
    pub(crate) error: Option<&'a Failure>,
    /// Fresh id of this write.
    pub(crate) write_id: &'a str,
    /// When it was made.
    pub(crate) now: Timestamp,
}

/// Writes a decision, unless the job changed since `before` was read.
pub(crate) fn update(
    db: &D1Database,
    before: &JobRow,
    update: &Update<'_>,
) -> Result<D1PreparedStatement> {
    let (run_at, lease, lease_until, ended_at) = match &update.after.state {
        State::Queued { run_at } => (Some(run_at.ms()), None, None, None),
        State::Running { lease, lease_until } => {
            (None, Some(lease.as_str()), Some(lease_until.ms()), None)
        }
        State::Succeeded | State::Failed | State::Cancelled => {
            (None, None, None, Some(update.now.ms()))
        }
    };
    // A queued or running job has no error yet; its attempts keep theirs.
    let error = update.error.filter(|_| ended_at.is_some());
    statement(
        db,
        "UPDATE jobs SET state = ?, runs_on = ?, attempt = ?, failures = ?, losses = ?, run_at = ?, lease_hash = ?, lease_until = ?, deadline_at = ?, \
         error_code = ?, error_detail = ?, ended_at = ?, write_id = ? WHERE id = ? AND write_id = ?",
        &[
            text(update.after.state.word().as_str()),
            text(update.runs_on.as_str()),
            int(u64::from(update.after.attempt)),
            int(u64::from(update.after.failures)),
            int(u64::from(update.after.losses)),
            int_or_null(run_at),
            text_or_null(lease),
            int_or_null(lease_until),
            time(update.after.deadline),
            text_or_null(error.map(|error| error.code.as_str())),
            text_or_null(error.map(|error| error.detail.as_str())),
            int_or_null(ended_at),
            text(update.write_id),
            text(&before.id),
            text(&before.write_id),
        ],
    )
}

/// The job `id`, whoever owns it.
pub(crate) async fn get_any(db: &D1Database, id: JobId) -> Result<Option<JobRow>> {
    first(
        db,
        "SELECT * FROM jobs WHERE id = ?",
        &[text(&id.to_string())],
    )
    .await
}

/// The job `id`, if `scope` covers it.
pub(crate) async fn get(db: &D1Database, id: JobId, scope: &Scope) -> Result<Option<JobRow>> {
    let row = get_any(db, id).await?;
    Ok(row.filter(|row| scope.covers(&row.tenant, &row.user_id)))
}

/// Which jobs a list shows.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<JobState>,
    pub(crate) asset_id: Option<AssetId>,
    pub(crate) before: Option<JobId>,
}

/// Jobs that `scope` covers, newest first, at most `limit`.
pub(crate) async fn list(
    db: &D1Database,
    scope: &Scope,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<JobRow>> {
    let mut query = Query::in_scope("jobs", scope);
    query.and("state = ?", filter.state.map(JobState::as_str));
    let asset_id = filter.asset_id.map(|id| id.to_string());
    query.and("asset_id = ?", asset_id.as_deref());
    query.and_before("id", filter.before);
    query.newest_first("id", db, limit).await
}

/// Jobs of one user that have not ended, newest first, at most `limit`.
pub(crate) async fn open(
    db: &D1Database,
    tenant: &str,
    user: &str,
    limit: u32,
) -> Result<Vec<JobRow>> {
    let mut query = Query::of_user("jobs", tenant, user);
    query.and_fixed("state IN ('queued', 'running')");
    query.newest_first("id", db, limit).await
}

/// Views of `rows`, with all their attempts.
pub(crate) async fn views(db: &D1Database, rows: &[JobRow]) -> Result<Vec<JobView>> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut attempts = attempts::of_jobs(db, &ids).await?;
    rows.iter()
        .map(|row| row.view(attempts.remove(&row.id).unwrap_or_default()))
        .collect()
}

/// View of one job.
pub(crate) async fn view(db: &D1Database, row: &JobRow) -> Result<JobView> {
    let views = views(db, std::slice::from_ref(row)).await?;
    views
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal("a job has no view"))
}

#[derive(Deserialize)]
struct IdRow {
    id: String,
}

/// Jobs whose lease or deadline has passed, at most 100. The deadline does not apply while a job waits for a native worker:
/// that all machines are busy or away is not the fault of the job.
pub(crate) async fn overdue(db: &D1Database, now: Timestamp) -> Result<Vec<JobId>> {
    let sql = "SELECT id FROM jobs WHERE state = 'running' AND lease_until <= ?1 \
               UNION SELECT id FROM jobs WHERE state IN ('queued', 'running') AND deadline_at <= ?1 AND (state = 'running' OR runs_on = 'edge') LIMIT 100";
    let rows: Vec<IdRow> = all(db, sql, &[time(now)]).await?;
    rows.iter().map(|row| word(&row.id)).collect()
}

#[derive(Deserialize)]
struct CountRow {
    kind: String,
    runs_on: String,
    state: String,
    count: u64,
    oldest: Option<u64>,
}

/// Counts the jobs of a tenant that have not ended. The second value: since when the oldest job that could be claimed waits.
pub(crate) async fn backlog(
    db: &D1Database,
    tenant: &str,
    now: Timestamp,
) -> Result<(Vec<JobCount>, Option<Timestamp>)> {
    let sql = "SELECT kind, runs_on, state, COUNT(*) AS count, MIN(CASE WHEN run_at <= ?2 THEN run_at END) AS oldest FROM jobs \
               WHERE state IN ('queued', 'running') AND tenant = ?1 GROUP BY kind, runs_on, state ORDER BY kind, runs_on, state";
    let rows: Vec<CountRow> = all(db, sql, &[text(tenant), time(now)]).await?;
    let oldest = rows.iter().filter_map(|row| row.oldest).min();
    let counts = rows.iter().map(|row| {
        Ok(JobCount {
            kind: word(&row.kind)?,
            runs_on: word(&row.runs_on)?,
            state: word(&row.state)?,
            count: row.count,
        })
    });
    Ok((
        counts.collect::<Result<_>>()?,
        oldest.map(Timestamp::from_ms),
    ))
}
