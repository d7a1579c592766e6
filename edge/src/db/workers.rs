//! Rows of `workers`.

use serde::Deserialize;
use shared::time::Timestamp;
use shared::worker::{GONE_AFTER_MS, RegisterWorker, ReportedState, Worker, WorkerRecord};
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
    stopped: u32,
    drain: u32,
    registered_at: u64,
    seen_at: u64,
    pulled_at: Option<u64>,
    running: u32,
}

impl Row {
    fn view(&self, now: Timestamp) -> Result<Worker> {
        let record = WorkerRecord {
            reported: word(&self.state)?,
            stopped: self.stopped > 0,
            drain: self.drain > 0,
            has_pulled: self.pulled_at.is_some(),
            seen_at: Timestamp::from_ms(self.seen_at),
        };
        Ok(Worker {
            id: self.id.clone(),
            version: self.version.clone(),
            ffmpeg_version: self.ffmpeg_version.clone(),
            cores: self.cores,
            slots: self.slots,
            encoders: serde_json::from_str(&self.encoders)?,
            state: record.state(now),
            drain: record.drain,
            running: self.running,
            registered_at: Timestamp::from_ms(self.registered_at),
            seen_at: record.seen_at,
        })
    }
}

/// Stores what a worker reports about itself. The time of its first registration and `drain` are kept. A worker that was gone
/// starts again.
pub(crate) async fn register(
    db: &D1Database,
    id: &str,
    body: &RegisterWorker,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO workers (id, version, ffmpeg_version, cores, slots, encoders, state, stopped, registered_at, seen_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) ON CONFLICT (id) DO UPDATE SET version = excluded.version, \
               ffmpeg_version = excluded.ffmpeg_version, cores = excluded.cores, slots = excluded.slots, \
               encoders = excluded.encoders, state = excluded.state, stopped = excluded.stopped, \
               seen_at = excluded.seen_at, \
               pulled_at = CASE WHEN workers.stopped > 0 OR workers.seen_at <= ?10 THEN NULL ELSE workers.pulled_at END";
    let parameters = [
        text(id),
        text(&body.version),
        text(&body.ffmpeg_version),
        int(u64::from(body.cores)),
        int(u64::from(body.slots)),
        text(&serde_json::to_string(&body.encoders)?),
        text(body.state.as_str()),
        int(u64::from(body.stopped)),
        time(now),
        time(now.minus_ms(GONE_AFTER_MS)),
    ];
    run(db, sql, &parameters).await.map(|_| ())
}

/// A sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// It pulled.
    Pull,
    /// It sent another request.
    Request,
}

/// Notes a sign of life of a worker.
pub(crate) async fn seen(db: &D1Database, id: &str, sign: Sign, now: Timestamp) -> Result<()> {
    let sql = match sign {
        Sign::Pull => "UPDATE workers SET seen_at = ?1, pulled_at = ?1 WHERE id = ?2",
        Sign::Request => "UPDATE workers SET seen_at = ?1 WHERE id = ?2",
    };
    run(db, sql, &[time(now), text(id)]).await.map(|_| ())
}

#[derive(Debug, Deserialize)]
struct DrainRow {
    state: String,
    drain: u32,
}

/// Whether a worker gets no new jobs: it shuts down, or an admin has drained it.
pub(crate) async fn is_draining(db: &D1Database, id: &str) -> Result<bool> {
    let sql = "SELECT state, drain FROM workers WHERE id = ?";
    let Some(row) = first::<DrainRow>(db, sql, &[text(id)]).await? else {
        return Ok(false);
    };
    Ok(row.drain > 0 || word::<ReportedState>(&row.state)? == ReportedState::Draining)
}

/// Drains or resumes a worker; false when there is no worker with this id.
pub(crate) async fn drain(db: &D1Database, id: &str, drain: bool) -> Result<bool> {
    let sql = "UPDATE workers SET drain = ? WHERE id = ?";
    Ok(run(db, sql, &[int(u64::from(drain)), text(id)]).await? > 0)
}

/// One worker.
pub(crate) async fn get(db: &D1Database, id: &str, now: Timestamp) -> Result<Option<Worker>> {
    let row: Option<Row> = first(db, &format!("{SELECT} WHERE id = ?"), &[text(id)]).await?;
    row.map(|row| row.view(now)).transpose()
}

/// All workers, most recently seen first, at most 200.
pub(crate) async fn list(db: &D1Database, now: Timestamp) -> Result<Vec<Worker>> {
    let sql = format!("{SELECT} ORDER BY seen_at DESC, id LIMIT ?");
    let rows: Vec<Row> = all(db, &sql, &[int(LIST_MAX)]).await?;
    rows.iter().map(|row| row.view(now)).collect()
}
