//! Rows of `tombstones`: prefixes whose objects are to be removed at a given time.

use serde::Deserialize;
use shared::id::JobId;
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement};

use super::guard::Guard;
use super::{all, int, run, text, time};
use crate::error::Result;

/// Has everything under `prefix` removed at `due`.
pub(crate) fn insert(
    guard: &Guard<'_>,
    prefix: &str,
    due: Timestamp,
) -> Result<D1PreparedStatement> {
    guard.statement(
        "INSERT OR REPLACE INTO tombstones (prefix, due_at) SELECT ?, ?",
        &[text(prefix), time(due)],
    )
}

/// Has everything that an attempt may have stored removed at `due`.
pub(crate) fn insert_attempt(
    guard: &Guard<'_>,
    job: JobId,
    attempt: u32,
    due: Timestamp,
) -> Result<D1PreparedStatement> {
    guard.statement(
        "INSERT OR REPLACE INTO tombstones (prefix, due_at) SELECT output_prefix, ? FROM attempts WHERE job_id = ? AND attempt = ?",
        &[time(due), text(&job.to_string()), int(u64::from(attempt))],
    )
}

#[derive(Deserialize)]
struct PrefixRow {
    prefix: String,
}

/// Prefixes whose objects are to be removed now, at most 20.
pub(crate) async fn due(db: &D1Database, now: Timestamp) -> Result<Vec<String>> {
    let rows: Vec<PrefixRow> = all(
        db,
        "SELECT prefix FROM tombstones WHERE due_at <= ? LIMIT 20",
        &[time(now)],
    )
    .await?;
    Ok(rows.into_iter().map(|row| row.prefix).collect())
}

/// Deletes a tombstone whose objects were removed, unless it was set again for a later time.
pub(crate) async fn delete(db: &D1Database, prefix: &str, now: Timestamp) -> Result<()> {
    run(
        db,
        "DELETE FROM tombstones WHERE prefix = ? AND due_at <= ?",
        &[text(prefix), time(now)],
    )
    .await?;
    Ok(())
}
