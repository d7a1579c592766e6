//! A job together with the attempt that a worker names.

use serde::Deserialize;
use shared::id::JobId;
use worker::D1Database;

use super::jobs::JobRow;
use super::{first, int, text};
use crate::error::Result;

/// A job and one of its attempts, the current one or not.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HeldRow {
    #[serde(flatten)]
    pub(crate) job: JobRow,
    pub(crate) held_by: String,
    pub(crate) held_hash: Option<String>,
    pub(crate) output_prefix: String,
    pub(crate) started_at: u64,
    /// `drain` of its worker; `NULL` when it never registered.
    drain: Option<u32>,
}

impl HeldRow {
    /// Whether an admin drains its worker.
    pub(crate) fn is_drained(&self) -> bool {
        self.drain.is_some_and(|drain| drain > 0)
    }
}

/// The job `id` with its attempt number `attempt`, in one read.
pub(crate) async fn get(db: &D1Database, id: JobId, attempt: u32) -> Result<Option<HeldRow>> {
    let sql = "SELECT jobs.*, attempts.worker AS held_by, attempts.lease_hash AS held_hash, output_prefix, started_at, \
               (SELECT drain FROM workers WHERE workers.id = attempts.worker) AS drain \
               FROM jobs JOIN attempts ON attempts.job_id = jobs.id AND attempts.attempt = ?2 WHERE jobs.id = ?1";
    let parameters = [text(&id.to_string()), int(u64::from(attempt))];
    first(db, sql, &parameters).await
}
