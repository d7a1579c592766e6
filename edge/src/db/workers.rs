//! Rows of `workers`.

use serde::Deserialize;
use shared::time::Timestamp;
use shared::worker::{RegisterWorker, Worker};
use worker::D1Database;

use super::{all, first, int, run, text, time, word};
use crate::error::Result;

/// Most workers in a list.
const LIST_MAX: u64 = 200;

/// Selects workers, each with the number of its running attempts.
const SELECT: &str = "SELECT *, (SELECT COUNT(*) FROM attempts WHERE attempts.worker = workers.id AND ended_at IS NULL) AS running FROM workers";

#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    version: String,
    ffmpeg_version: String,
    cores: u32,
    slots: u32,
    encoders: String,
    state: String,
    drain: u32,
    registered_at: u64,
    seen_at: u64,
    running: u32,
}

impl Row {
    fn view(&self) -> Result<Worker> {
        Ok(Worker {
            id: self.id.clone(),
            version: self.version.clone(),
            ffmpeg_version: self.ffmpeg_version.clone(),
            cores: self.cores,
            slots: self.slots,
            encoders: serde_json::from_str(&self.encoders)?,
            state: word(&self.state)?,
            drain: self.drain > 0,
            running: self.running,
            registered_at: Timestamp::from_ms(self.registered_at),
            seen_at: Timestamp::from_ms(self.seen_at),
        })
    }
}

/// Stores what a worker reports about itself. The time of its first registration and `drain` are kept.
pub(crate) async fn register(
    db: &D1Database,
    id: &str,
    body: &RegisterWorker,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO workers (id, version, ffmpeg_version, cores, slots, encoders, state, registered_at, seen_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT (id) DO UPDATE SET version = excluded.version, \
               ffmpeg_version = excluded.ffmpeg_version, cores = excluded.cores, slots = excluded.slots, \
               encoders = excluded.encoders, state = excluded.state, seen_at = excluded.seen_at";
    let parameters = [
        text(id),
        text(&body.version),
        text(&body.ffmpeg_version),
        int(u64::from(body.cores)),
        int(u64::from(body.slots)),
        text(&serde_json::to_string(&body.encoders)?),
        text(body.state.as_str()),
        time(now),
    ];
    run(db, sql, &parameters).await.map(|_| ())
}

/// Notes that a worker was seen.
pub(crate) async fn seen(db: &D1Database, id: &str, now: Timestamp) -> Result<()> {
    let sql = "UPDATE workers SET seen_at = ? WHERE id = ?";
    run(db, sql, &[time(now), text(id)]).await.map(|_| ())
}

/// Drains or resumes a worker; false when there is no worker with this id.
pub(crate) async fn drain(db: &D1Database, id: &str, drain: bool) -> Result<bool> {
    let sql = "UPDATE workers SET drain = ? WHERE id = ?";
    Ok(run(db, sql, &[int(u64::from(drain)), text(id)]).await? > 0)
}

/// One worker.
pub(crate) async fn get(db: &D1Database, id: &str) -> Result<Option<Worker>> {
    let row: Option<Row> = first(db, &format!("{SELECT} WHERE id = ?"), &[text(id)]).await?;
    row.map(|row| row.view()).transpose()
}

/// All workers, most recently seen first.
pub(crate) async fn list(db: &D1Database) -> Result<Vec<Worker>> {
    let sql = format!("{SELECT} ORDER BY seen_at DESC, id LIMIT ?");
    let rows: Vec<Row> = all(db, &sql, &[int(LIST_MAX)]).await?;
    rows.iter().map(Row::view).collect()
}
