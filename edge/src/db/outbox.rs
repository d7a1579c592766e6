//! The two outboxes and the tombstones: what was decided and has to happen outside the database. Rows are written in the
//! batch of the decision and go when the outside has them, so a crash in between loses nothing.

use serde::Deserialize;
use shared::id::JobId;
use shared::kind::RunsOn;
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement};

use super::{all, first, int, run, statement, text, time, word};
use crate::error::Result;

/// A sent message that no claim has answered within this time is sent again.
pub(crate) const RESEND_AFTER_MS: u64 = 15_000;

/// A message that waits in the dispatch object is durable there; this long it is believed to be, in case the object lost it.
pub(crate) const RESEND_DISPATCHED_AFTER_MS: u64 = 60_000;

/// An event that its hub has not heard within this time is delivered by the sweeper.
pub(crate) const DELIVER_AFTER_MS: u64 = 3_000;

/// Events of one hub that are delivered in one call.
pub(crate) const EVENTS_PER_CALL: usize = 200;

/// An event that waits for its hub.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EventRow {
    /// Place in the outbox.
    pub(crate) id: u64,
    /// The event, without its sequence number.
    pub(crate) payload: String,
}

/// Reads the next events of `hub`, in order.
pub(crate) fn select_events(db: &D1Database, hub: &str) -> Result<D1PreparedStatement> {
    statement(
        db,
        "SELECT id, payload FROM outbox_events WHERE hub = ? ORDER BY id LIMIT ?",
        &[
            text(hub),
            int(u64::try_from(EVENTS_PER_CALL).unwrap_or_default()),
        ],
    )
}

#[derive(Deserialize)]
struct HubEventRow {
    hub: String,
    #[serde(flatten)]
    event: EventRow,
}

/// Reads the next events of several hubs, in order; of each hub what comes first.
pub(crate) async fn events_of(db: &D1Database, hubs: &[String]) -> Result<Vec<(String, EventRow)>> {
    // As one JSON parameter: D1 binds at most 100.
    let sql = "SELECT hub, id, payload FROM outbox_events WHERE hub IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?";
    let limit = int(u64::try_from(EVENTS_PER_CALL).unwrap_or_default());
    let rows: Vec<HubEventRow> =
        all(db, sql, &[text(&serde_json::to_string(hubs)?), limit]).await?;
    Ok(rows.into_iter().map(|row| (row.hub, row.event)).collect())
}

/// Forgets the events of these rows: their hubs have them.
pub(crate) async fn forget(db: &D1Database, ids: &[u64]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = "DELETE FROM outbox_events WHERE id IN (SELECT value FROM json_each(?))";
    run(db, sql, &[text(&serde_json::to_string(ids)?)]).await?;
    Ok(())
}

/// Forgets events that their hub has, up to the row `last`.
pub(crate) async fn forget_events(db: &D1Database, hub: &str, last: u64) -> Result<()> {
    run(
        db,
        "DELETE FROM outbox_events WHERE hub = ? AND id <= ?",
        &[text(hub), int(last)],
    )
    .await?;
    Ok(())
}

#[derive(Deserialize)]
struct HubRow {
    hub: String,
}

/// Hubs with events that have waited too long.
pub(crate) async fn late_hubs(db: &D1Database, now: Timestamp) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT hub FROM outbox_events WHERE created_at <= ? LIMIT 100";
    let rows: Vec<HubRow> = all(db, sql, &[time(now.minus_ms(DELIVER_AFTER_MS))]).await?;
    Ok(rows.into_iter().map(|row| row.hub).collect())
}

#[derive(Deserialize)]
struct DueRow {
    job_id: String,
    runs_on: String,
}

/// Messages that are due and not on their way: never sent, or sent long ago and not answered by a claim.
pub(crate) async fn due_messages(db: &D1Database, now: Timestamp) -> Result<Vec<(JobId, RunsOn)>> {
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

/// The later of two marks holds: the consumer may be faster than the sender.
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

#[derive(Deserialize)]
struct PrefixRow {
    prefix: String,
}

/// Prefixes whose objects are to be removed now.
pub(crate) async fn due_tombstones(db: &D1Database, now: Timestamp) -> Result<Vec<String>> {
    let rows: Vec<PrefixRow> = all(
        db,
        "SELECT prefix FROM tombstones WHERE due_at <= ? LIMIT 20",
        &[time(now)],
    )
    .await?;
    Ok(rows.into_iter().map(|row| row.prefix).collect())
}

/// Remembers to remove everything under `prefix` at `due`.
pub(crate) fn insert_tombstone(
    db: &D1Database,
    prefix: &str,
    due: Timestamp,
) -> Result<D1PreparedStatement> {
    statement(
        db,
        "INSERT INTO tombstones (prefix, due_at) VALUES (?, ?) ON CONFLICT (prefix) DO UPDATE SET due_at = excluded.due_at",
        &[text(prefix), time(due)],
    )
}

/// Forgets a tombstone whose objects are gone.
pub(crate) async fn forget_tombstone(db: &D1Database, prefix: &str, now: Timestamp) -> Result<()> {
    run(
        db,
        "DELETE FROM tombstones WHERE prefix = ? AND due_at <= ?",
        &[text(prefix), time(now)],
    )
    .await?;
    Ok(())
}

#[derive(Deserialize)]
struct NextRow {
    next: Option<u64>,
}

/// Later than every time in the database.
const NEVER_MS: u64 = 1 << 52;

/// When something will next be due by the clock alone; `None` when nothing is open.
pub(crate) async fn next_due(db: &D1Database, upload_max_ms: u64) -> Result<Option<Timestamp>> {
    // One scalar MIN over sub-selects: D1 takes at most five terms in a compound SELECT. ?3 stands for "never".
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
        &[int(DELIVER_AFTER_MS), int(upload_max_ms), int(NEVER_MS)],
    )
    .await?;
    Ok(row.and_then(|row| row.next).map(Timestamp::from_ms))
}
