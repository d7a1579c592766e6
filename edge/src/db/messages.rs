//! Rows of `outbox_messages`: one for each job that waits for a claim. A row is written in the batch of the decision that
//! queues the job and is deleted by the claim, so a lost queue message loses nothing.

use serde::Deserialize;
use shared::id::JobId;
use shared::kind::RunsOn;
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement};

use super::guard::Guard;
use super::{all, run, text, time, word};
use crate::error::Result;

/// A sent message that led to no claim within this time is sent again.
const RESEND_AFTER_MS: u64 = 15_000;

/// The dispatch object stores messages durably, so one that waits there is sent again only after this time.
const RESEND_DISPATCHED_AFTER_MS: u64 = 60_000;

/// A message for `job` that is due at `due`; replaces one that is already there.
pub(crate) fn insert(guard: &Guard<'_>, job: JobId, due: Timestamp) -> Result<D1PreparedStatement> {
    guard.statement(
        "INSERT OR REPLACE INTO outbox_messages (job_id, due_at) SELECT ?, ?",
        &[text(&job.to_string()), time(due)],
    )
}

/// Deletes the message of `job`.
pub(crate) fn delete(guard: &Guard<'_>, job: JobId) -> Result<D1PreparedStatement> {
    guard.statement(
        "DELETE FROM outbox_messages WHERE job_id = ?",
        &[text(&job.to_string())],
    )
}

#[derive(Deserialize)]
struct DueRow {
    job_id: String,
    runs_on: String,
}

/// Messages that are due and were never sent, or were sent long ago and led to no claim; at most 100.
pub(crate) async fn due(db: &D1Database, now: Timestamp) -> Result<Vec<(JobId, RunsOn)>> {
    let sql = "SELECT job_id, runs_on FROM outbox_messages JOIN jobs ON jobs.id = job_id \
               WHERE due_at <= ?1 AND (resend_at IS NULL OR resend_at <= ?1) ORDER BY due_at LIMIT 100";
    let rows: Vec<DueRow> = all(db, sql, &[time(now)]).await?;
    rows.iter()
        .map(|row| Ok((word(&row.job_id)?, word(&row.runs_on)?)))
        .collect()
}

/// Notes that the queue has the message of `job`.
pub(crate) async fn mark_sent(db: &D1Database, job: JobId, now: Timestamp) -> Result<()> {
    mark(db, job, now, RESEND_AFTER_MS).await
}

/// Notes that the dispatch object has the message of `job`.
pub(crate) async fn mark_dispatched(db: &D1Database, job: JobId, now: Timestamp) -> Result<()> {
    mark(db, job, now, RESEND_DISPATCHED_AFTER_MS).await
}

/// The consumer may be faster than the sender, so the later of the two times is kept.
async fn mark(db: &D1Database, job: JobId, now: Timestamp, resend_after_ms: u64) -> Result<()> {
    run(
        db,
        "UPDATE outbox_messages SET sent_at = ?, resend_at = MAX(COALESCE(resend_at, 0), ?) WHERE job_id = ?",
        &[
            time(now),
            time(now.plus_ms(resend_after_ms)),
            text(&job.to_string()),
        ],
    )
    .await?;
    Ok(())
}
