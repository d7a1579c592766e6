//! Rows of `jobs` and `attempts`: reading. Writing is `crate::jobs::apply`.

use serde::Deserialize;
use shared::api::JobCount;
use shared::id::{AssetId, JobId};
use shared::job::{Attempt, Job, JobKind, JobState, JobView, LeaseHash, Progress, State};
use shared::kind::RunsOn;
use shared::time::Timestamp;
use worker::D1Database;

use super::assets::{Query, failure};
use super::{all, first, text, time, word};
use crate::error::{Error, Result};
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
    pub(crate) write_id: String,
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

    /// Where it is worked on.
    pub(crate) fn runs_on(&self) -> Result<RunsOn> {
        word(&self.runs_on)
    }

    /// The part that decides its life.
    pub(crate) fn job(&self) -> Result<Job> {
        let missing = || Error::internal(format!("job {} lacks a column of its state", self.id));
        let state = match word::<JobState>(&self.state)? {
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

    /// The job as its client sees it.
    pub(crate) fn view(&self, attempts: Vec<Attempt>) -> Result<JobView> {
        let state = word::<JobState>(&self.state)?;
        let ratio = match state {
            JobState::Succeeded => Some(1.0),
            JobState::Queued | JobState::Running | JobState::Failed | JobState::Cancelled => None,
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

#[derive(Debug, Deserialize)]
struct AttemptRow {
    job_id: String,
    attempt: u32,
    worker: String,
    started_at: u64,
    ended_at: Option<u64>,
    error_code: Option<String>,
    error_detail: Option<String>,
    peak_memory_bytes: Option<u64>,
}

impl AttemptRow {
    fn view(&self) -> Result<Attempt> {
        Ok(Attempt {
            attempt: self.attempt,
            worker: self.worker.clone(),
            started_at: Timestamp::from_ms(self.started_at),
            ended_at: self.ended_at.map(Timestamp::from_ms),
            error: failure(self.error_code.as_deref(), self.error_detail.as_deref())?,
            peak_memory_bytes: self.peak_memory_bytes,
        })
    }
}

/// The job `id`, whosever it is.
pub(crate) async fn get_any(db: &D1Database, id: JobId) -> Result<Option<JobRow>> {
    first(
        db,
        "SELECT * FROM jobs WHERE id = ?",
        &[text(&id.to_string())],
    )
    .await
}

/// The job `id`, if it is in `scope`.
pub(crate) async fn get(db: &D1Database, id: JobId, scope: &Scope) -> Result<Option<JobRow>> {
    let row = get_any(db, id).await?;
    Ok(row.filter(|row| {
        row.tenant == scope.tenant && scope.user.as_ref().is_none_or(|user| *user == row.user_id)
    }))
}

/// What a list shows.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<JobState>,
    pub(crate) asset_id: Option<AssetId>,
    pub(crate) before: Option<JobId>,
}

/// Jobs in `scope`, newest first, at most `limit`.
pub(crate) async fn list(
    db: &D1Database,
    scope: &Scope,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<JobRow>> {
    let mut query = Query::of("SELECT * FROM jobs WHERE tenant = ?", text(&scope.tenant));
    query.and("user_id = ?", scope.user.as_deref());
    query.and("state = ?", filter.state.map(JobState::as_str));
    query.and(
        "asset_id = ?",
        filter.asset_id.map(|id| id.to_string()).as_deref(),
    );
    query.and("id < ?", filter.before.map(|id| id.to_string()).as_deref());
    query.newest_first(db, limit).await
}

/// Jobs of one user that have not ended, newest first.
pub(crate) async fn open(
    db: &D1Database,
    tenant: &str,
    user: &str,
    limit: u32,
) -> Result<Vec<JobRow>> {
    let mut query = Query::of("SELECT * FROM jobs WHERE tenant = ?", text(tenant));
    query.and("user_id = ?", Some(user));
    query.sql.push_str(" AND state IN ('queued', 'running')");
    query.newest_first(db, limit).await
}

/// Views of `rows`, with all their attempts.
pub(crate) async fn views(db: &D1Database, rows: &[JobRow]) -> Result<Vec<JobView>> {
    let ids = serde_json::to_string(&rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>())?;
    let sql = "SELECT * FROM attempts WHERE job_id IN (SELECT value FROM json_each(?)) ORDER BY job_id, attempt";
    let attempts: Vec<AttemptRow> = if rows.is_empty() {
        Vec::new()
    } else {
        all(db, sql, &[text(&ids)]).await?
    };
    rows.iter()
        .map(|row| {
            let own = attempts.iter().filter(|attempt| attempt.job_id == row.id);
            row.view(own.map(AttemptRow::view).collect::<Result<_>>()?)
        })
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

/// Jobs that the clock has overtaken: leases that ran out, deadlines that passed. What waits for a native worker has no
/// deadline: that its machines are busy or away is no fault of a job.
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

/// Jobs of a tenant that have not ended, counted, and since when the oldest that could be claimed waits.
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
