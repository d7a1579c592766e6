//! When the sweeper has something to do next.

use serde::Deserialize;
use shared::time::Timestamp;
use worker::D1Database;

use super::events::LATE_AFTER_MS;
use super::{first, int};
use crate::error::Result;

/// Later than every time in the database.
const NEVER_MS: u64 = 1 << 52;

#[derive(Deserialize)]
struct NextRow {
    next: Option<u64>,
}

/// When something is next due by the clock alone; `None` when nothing is open. Uploads expire `upload_max_ms` after they began.
pub(crate) async fn next(db: &D1Database, upload_max_ms: u64) -> Result<Option<Timestamp>> {
    // One scalar MIN over sub-selects, because D1 accepts at most five terms in a compound SELECT. ?3 stands for "never".
    let sql = "SELECT NULLIF(MIN(\
               COALESCE((SELECT MIN(lease_until) FROM jobs WHERE state = 'running'), ?3), \
               COALESCE((SELECT MIN(deadline_at) FROM jobs WHERE state IN ('queued', 'running') AND (state = 'running' OR runs_on = 'edge')), ?3), \
               COALESCE((SELECT MIN(MAX(due_at, COALESCE(resend_at, 0))) FROM outbox_messages), ?3), \
               COALESCE((SELECT MIN(created_at) + ?1 FROM outbox_events), ?3), \
               COALESCE((SELECT MIN(due_at) FROM tombstones), ?3), \
               COALESCE((SELECT MIN(created_at) + ?2 FROM assets WHERE state = 'awaiting_upload'), ?3)), ?3) AS next";
    let row: Option<NextRow> = first(
        db,
        sql,
        &[int(LATE_AFTER_MS), int(upload_max_ms), int(NEVER_MS)],
    )
    .await?;
    Ok(row.and_then(|row| row.next).map(Timestamp::from_ms))
}
