//! Rows of `outbox_events`: events that their hub does not have yet. A row is written in the batch of its cause and is deleted
//! when the hub has the event, so a crash in between loses nothing.

use serde::Deserialize;
use shared::event::Event;
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement, D1Result};

use super::guard::Guard;
use super::{all, changes, int, run, statement, text, time};
use crate::error::{Error, Result};

/// An event that is still here after this time is published by the sweeper.
pub(crate) const LATE_AFTER_MS: u64 = 3_000;

/// Most events that are read at once.
pub(crate) const READ_MAX: usize = 200;

/// An event on its way to its hub.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EventRow {
    /// Place in the outbox.
    pub(crate) id: u64,
    /// The event as JSON, without its sequence number.
    pub(crate) payload: String,
}

fn read_max() -> wasm_bindgen::JsValue {
    int(u64::try_from(READ_MAX).unwrap_or_default())
}

/// An event for `hub`.
pub(crate) fn insert(guard: &Guard<'_>, hub: &str, event: &Event) -> Result<D1PreparedStatement> {
    guard.statement(
        "INSERT INTO outbox_events (hub, payload, created_at) SELECT ?, ?, ?",
        &[
            text(hub),
            text(&serde_json::to_string(event)?),
            time(event.time),
        ],
    )
}

fn select(db: &D1Database, hub: &str) -> Result<D1PreparedStatement> {
    statement(
        db,
        "SELECT id, payload FROM outbox_events WHERE hub = ? ORDER BY id LIMIT ?",
        &[text(hub), read_max()],
    )
}

/// Runs `batch` and reads, in the same transaction, the oldest events that wait for `hub`. `None` when the statement at the
/// index `decisive` changed no row: another write was first, and the guards kept the rest from taking effect.
pub(crate) async fn commit(
    db: &D1Database,
    mut batch: Vec<D1PreparedStatement>,
    decisive: usize,
    hub: &str,
) -> Result<Option<Vec<EventRow>>> {
    batch.push(select(db, hub)?);
    let results = db.batch(batch).await?;
    let (Some(decision), Some(events)) = (results.get(decisive), results.last()) else {
        return Err(Error::internal("the database answered too few results"));
    };
    if changes(decision)? == 0 {
        return Ok(None);
    }
    Ok(Some(events.results()?))
}

/// The oldest events that wait for `hub`, in order, at most [`READ_MAX`].
pub(crate) async fn of_hub(db: &D1Database, hub: &str) -> Result<Vec<EventRow>> {
    Ok(select(db, hub)?.all().await?.results()?)
}

/// The place in the outbox that [`insert`] got, from the result of its statement.
///
/// # Errors
/// When the result carries no row id.
pub(crate) fn inserted(result: &D1Result) -> Result<u64> {
    let id = result.meta()?.and_then(|meta| meta.last_row_id);
    id.and_then(|id| u64::try_from(id).ok())
        .ok_or_else(|| Error::internal("the database reported no id of an event"))
}

/// Deletes the events with these ids.
pub(crate) async fn delete(db: &D1Database, ids: &[u64]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = "DELETE FROM outbox_events WHERE id IN (SELECT value FROM json_each(?))";
    run(db, sql, &[text(&serde_json::to_string(ids)?)]).await?;
    Ok(())
}

/// Deletes the events of `hub` up to the one with the id `last`.
pub(crate) async fn delete_up_to(db: &D1Database, hub: &str, last: u64) -> Result<()> {
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

/// Hubs with an event that is older than [`LATE_AFTER_MS`], at most 100.
pub(crate) async fn late_hubs(db: &D1Database, now: Timestamp) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT hub FROM outbox_events WHERE created_at <= ? LIMIT 100";
    let rows: Vec<HubRow> = all(db, sql, &[time(now.minus_ms(LATE_AFTER_MS))]).await?;
    Ok(rows.into_iter().map(|row| row.hub).collect())
}
