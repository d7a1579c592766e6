//! Rows of `attempts`. Only `crate::jobs` uses the functions that write.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shared::id::JobId;
use shared::job::{Attempt, Facts, LeaseHash};
use shared::key::OutputPrefix;
use shared::problem::Failure;
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement};

use super::guard::Guard;
use super::{all, failure, first, int, int_or_null, text, text_or_null, time};
use crate::error::Result;
use crate::storage::output::StoredOutput;

/// What is playable of an attempt that has not ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Early {
    pub(crate) outputs: Vec<StoredOutput>,
    #[serde(flatten)]
    pub(crate) facts: Facts,
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

/// Every attempt at these jobs, oldest first, by job id.
pub(super) async fn of_jobs(
    db: &D1Database,
    jobs: &[&str],
) -> Result<HashMap<String, Vec<Attempt>>> {
    let mut attempts: HashMap<String, Vec<Attempt>> = HashMap::new();
    if jobs.is_empty() {
        return Ok(attempts);
    }
    // As one JSON parameter, because D1 binds at most 100.
    let sql = "SELECT * FROM attempts WHERE job_id IN (SELECT value FROM json_each(?)) ORDER BY job_id, attempt";
    let rows: Vec<AttemptRow> = all(db, sql, &[text(&serde_json::to_string(jobs)?)]).await?;
    for row in rows {
        let attempt = row.view()?;
        attempts.entry(row.job_id).or_default().push(attempt);
    }
    Ok(attempts)
}

/// An attempt that begins.
pub(crate) struct Begin<'a> {
    pub(crate) job: JobId,
    pub(crate) worker: &'a str,
    pub(crate) prefix: OutputPrefix,
    pub(crate) lease: LeaseHash,
    pub(crate) now: Timestamp,
}

/// Begins an attempt; its number is that of the prefix.
pub(crate) fn begin(guard: &Guard<'_>, begin: &Begin<'_>) -> Result<D1PreparedStatement> {
    guard.statement(
        "INSERT INTO attempts (job_id, attempt, worker, output_prefix, started_at, lease_hash) SELECT ?, ?, ?, ?, ?, ?",
        &[
            text(&begin.job.to_string()),
            int(u64::from(begin.prefix.attempt)),
            text(begin.worker),
            text(&begin.prefix.to_string()),
            time(begin.now),
            text(begin.lease.as_str()),
        ],
    )
}

/// What an attempt leaves when it ends.
pub(crate) struct End<'a> {
    /// Why it did not succeed.
    pub(crate) error: Option<&'a Failure>,
    pub(crate) peak_memory_bytes: Option<u64>,
    /// What its worker found out, as JSON.
    pub(crate) report: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// Ends an attempt, unless it has ended already.
pub(crate) fn end(
    guard: &Guard<'_>,
    job: JobId,
    attempt: u32,
    end: &End<'_>,
) -> Result<D1PreparedStatement> {
    guard.statement(
        "UPDATE attempts SET ended_at = ?, error_code = ?, error_detail = ?, peak_memory_bytes = ?, report = ? \
         WHERE job_id = ? AND attempt = ? AND ended_at IS NULL",
        &[
            time(end.now),
            text_or_null(end.error.map(|error| error.code.as_str())),
            text_or_null(end.error.map(|error| error.detail.as_str())),
            int_or_null(end.peak_memory_bytes),
            text_or_null(end.report),
            text(&job.to_string()),
            int(u64::from(attempt)),
        ],
    )
}

/// Stores what is playable of an attempt before its end.
pub(crate) fn set_early(
    guard: &Guard<'_>,
    job: JobId,
    attempt: u32,
    early: &Early,
) -> Result<D1PreparedStatement> {
    guard.statement(
        "UPDATE attempts SET early = ? WHERE job_id = ? AND attempt = ?",
        &[
            text(&serde_json::to_string(early)?),
            text(&job.to_string()),
            int(u64::from(attempt)),
        ],
    )
}

#[derive(Deserialize)]
struct EarlyRow {
    early: Option<String>,
}

/// What is playable of the running attempt at job `id`.
pub(crate) async fn early(db: &D1Database, id: JobId) -> Result<Option<Early>> {
    let sql = "SELECT early FROM jobs JOIN attempts ON attempts.job_id = jobs.id AND attempts.attempt = jobs.attempt \
               WHERE jobs.id = ? AND jobs.state = 'running'";
    let row: Option<EarlyRow> = first(db, sql, &[text(&id.to_string())]).await?;
    let early = row.and_then(|row| row.early);
    Ok(early.map(|text| serde_json::from_str(&text)).transpose()?)
}
