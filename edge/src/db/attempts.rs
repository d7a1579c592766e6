//! Rows of `attempts` that a worker or a player asks about; the write path is `crate::jobs`.

use serde::{Deserialize, Serialize};
use shared::id::JobId;
use worker::D1Database;

use super::assets::StoredOutput;
use super::jobs::JobRow;
use super::{first, int, text};
use crate::error::Result;

/// What is playable of an attempt that has not ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Early {
    pub(crate) outputs: Vec<StoredOutput>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) placeholder: Option<String>,
}

/// A job and one of its attempts, the current one or not.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HeldRow {
    #[serde(flatten)]
    pub(crate) job: JobRow,
    pub(crate) held_by: String,
    pub(crate) held_hash: Option<String>,
    pub(crate) output_prefix: String,
    pub(crate) started_at: u64,
    /// Whether an admin drains the worker; `NULL` when it never registered.
    drain: Option<u32>,
}

impl HeldRow {
    /// Whether an admin wants its worker to take no new jobs.
    pub(crate) fn is_drained(&self) -> bool {
        self.drain.is_some_and(|drain| drain > 0)
    }
}

/// The job `id` with its attempt `attempt`, in one read.
pub(crate) async fn held(db: &D1Database, id: JobId, attempt: u32) -> Result<Option<HeldRow>> {
    let sql = "SELECT jobs.*, attempts.worker AS held_by, attempts.lease_hash AS held_hash, output_prefix, started_at, \
               (SELECT drain FROM workers WHERE workers.id = attempts.worker) AS drain \
               FROM jobs JOIN attempts ON attempts.job_id = jobs.id AND attempts.attempt = ?2 WHERE jobs.id = ?1";
    let parameters = [text(&id.to_string()), int(u64::from(attempt))];
    first(db, sql, &parameters).await
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
