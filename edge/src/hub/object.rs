//! The hub: one Durable Object per user, with the log of the user's events in SQLite. It numbers events, sends them to every
//! connected stream over hibernating WebSockets, and replays them after a cursor.
//!
//! Invariant: an event is in the log before it is sent to any stream, so a stream that resumes misses nothing.
//! Invariant: each event id is in the log once.

use std::cell::Cell;
use std::collections::BTreeSet;

use serde::Deserialize;
use shared::event::{Cursor, Event, EventType};
use worker::wasm_bindgen;
use worker::{
    DurableObject, Env, Error, Request, Response, Result, SqlStorage, SqlStorageValue, State,
    WebSocket, WebSocketIncomingMessage, WebSocketPair, durable_object,
};

use super::{Append, Ask, Entry, Frame};
use crate::clock;
use crate::object;

/// Events are kept at least this long; the contract promises 24 h.
const KEEP_MS: u64 = 48 * 3_600_000;
/// Time between two removals of older events.
const PRUNE_EVERY_MS: i64 = 6 * 3_600_000;

/// Entries in one frame of a replay: about 100 kB.
const REPLAY_CHUNK: usize = 200;

/// See the module.
#[durable_object]
pub struct Hub {
    state: State,
    generation: u32,
    /// Whether the alarm is known to be set. It saves a read in every call.
    has_alarm: Cell<bool>,
}

#[derive(Deserialize)]
struct Row {
    seq: u64,
    event_type: String,
    asset_id: String,
    job_id: String,
    payload: String,
}

impl Row {
    /// The entry for streams: `seq` becomes the first member of the stored JSON object.
    fn entry(self) -> Entry {
        let members = self.payload.strip_prefix('{').unwrap_or_default();
        let data = format!("{{\"seq\":{},{members}", self.seq);
        Entry {
            seq: self.seq,
            event_type: self.event_type,
            asset_id: self.asset_id,
            job_id: self.job_id,
            data,
        }
    }
}

#[derive(Deserialize)]
struct Payload {
    payload: String,
}

/// The part of an event that progress is compared by.
#[derive(Deserialize)]
struct Reported {
    progress: Ratio,
}

#[derive(Deserialize)]
struct Ratio {
    ratio: Option<f64>,
}

impl Reported {
    /// Ratio of a progress event. `None` sorts before every known ratio.
    fn ratio(payload: &str) -> Result<Option<f64>> {
        let reported: Self = serde_json::from_str(payload)?;
        Ok(reported.progress.ratio)
    }
}

#[derive(Deserialize)]
struct Number {
    value: Option<u64>,
}

impl Hub {
    fn sql(&self) -> SqlStorage {
        self.state.storage().sql()
    }

    fn number(&self, sql: &str, parameters: Vec<SqlStorageValue>) -> Result<u64> {
        let rows: Vec<Number> = self.sql().exec(sql, parameters)?.to_array()?;
        Ok(rows
            .into_iter()
            .next()
            .and_then(|row| row.value)
            .unwrap_or_default())
    }

    /// Creates the tables, and the generation of a new log.
    fn open(state: &State) -> Result<u32> {
        let sql = state.storage().sql();
        sql.exec(
            "CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE, \
             event_type TEXT NOT NULL, asset_id TEXT NOT NULL, job_id TEXT NOT NULL, attempt INTEGER, payload TEXT NOT NULL, at INTEGER NOT NULL); \
             CREATE INDEX IF NOT EXISTS log_by_job ON log (job_id, seq); \
             CREATE TABLE IF NOT EXISTS generation (value INTEGER NOT NULL);",
            None,
        )?;
        let rows: Vec<Number> = sql.exec("SELECT value FROM generation", None)?.to_array()?;
        if let Some(generation) = rows.into_iter().next().and_then(|row| row.value) {
            return u32::try_from(generation)
                .map_err(|_| Error::RustError("generation out of range".into()));
        }
        let generation = u32::try_from(clock::random_u64() >> 32).unwrap_or_default();
        sql.exec(
            "INSERT INTO generation (value) VALUES (?)",
            vec![i64::from(generation).into()],
        )?;
        Ok(generation)
    }

    /// Appends new events and sends them to every stream. There is no `await` in it, so streams get entries in the order of the log.
    fn append(&self, events: Vec<Append>) -> Result<()> {
        let sockets = self.state.get_websockets();
        let mut entries = Vec::new();
        let mut run = Vec::with_capacity(events.len());
        for mut append in events {
            if append.event_type.is_progress() {
                // The checks read the log, so it must contain what came before.
                entries.extend(self.insert(std::mem::take(&mut run), &sockets)?);
                if self.is_late(&append)? {
                    continue;
                }
                self.keep_from_falling(&mut append)?;
            }
            run.push(append);
        }
        entries.extend(self.insert(run, &sockets)?);
        if !entries.is_empty() {
            let frame = serde_json::to_string(&Frame::Entries { entries })?;
            for socket in sockets {
                // Fails when the socket is closing; its stream resumes from the log.
                let _ = socket.send_with_str(&frame);
            }
        }
        Ok(())
    }

    /// Writes those of `events` that the log does not have, in one statement; returns their entries if there is a stream to
    /// send them to.
    fn insert(&self, mut events: Vec<Append>, sockets: &[WebSocket]) -> Result<Vec<Entry>> {
        let mut ids = BTreeSet::new();
        // A statement does not see its own rows.
        events.retain(|event| ids.insert(event.event_id));
        if events.is_empty() {
            return Ok(Vec::new());
        }
        // Not `ON CONFLICT DO NOTHING`: a conflict would still use up a number, and the log has no gaps.
        let insert = "INSERT INTO log (event_id, event_type, asset_id, job_id, attempt, payload, at) \
             SELECT value ->> 'event_id', value ->> 'type', value ->> 'asset_id', value ->> 'job_id', value ->> 'attempt', value ->> 'payload', ?2 \
             FROM json_each(?1) WHERE NOT EXISTS (SELECT 1 FROM log WHERE event_id = value ->> 'event_id') ORDER BY key";
        let at = i64::try_from(clock::now().ms()).unwrap_or_default();
        let parameters = vec![serde_json::to_string(&events)?.into(), at.into()];
        if sockets.is_empty() {
            self.sql().exec(insert, parameters)?;
            return Ok(Vec::new());
        }
        let returning = format!("{insert} RETURNING seq, event_type, asset_id, job_id, payload");
        let rows: Vec<Row> = self.sql().exec(&returning, parameters)?.to_array()?;
        Ok(rows.into_iter().map(Row::entry).collect())
    }

    /// The last progress event of an attempt, as JSON.
    fn progress(&self, job_id: &str, attempt: u32) -> Result<Option<String>> {
        let progress = EventType::ALL
            .iter()
            .find(|event_type| event_type.is_progress());
        let sql = "SELECT payload FROM log WHERE job_id = ? AND event_type = ? AND attempt = ? ORDER BY seq DESC LIMIT 1";
        let parameters = vec![
            job_id.into(),
            progress.map_or("", |progress| progress.as_str()).into(),
            i64::from(attempt).into(),
        ];
        let rows: Vec<Payload> = self.sql().exec(sql, parameters)?.to_array()?;
        Ok(rows.into_iter().next().map(|row| row.payload))
    }

    /// Keeps the ratio from falling within an attempt: reports can arrive out of order, and estimates change.
    fn keep_from_falling(&self, append: &mut Append) -> Result<()> {
        let attempt = append.attempt.unwrap_or_default();
        let Some(before) = self.progress(&append.job_id.to_string(), attempt)? else {
            return Ok(());
        };
        let before = Reported::ratio(&before)?;
        if Reported::ratio(&append.payload)? >= before {
            return Ok(());
        }
        let mut event: Event = serde_json::from_str(&append.payload)?;
        if let Some(progress) = &mut event.progress {
            progress.ratio = before;
            append.payload = serde_json::to_string(&event)?;
        }
        Ok(())
    }

    /// Whether progress comes after the end of its job, or from an attempt that is no longer the current one.
    fn is_late(&self, append: &Append) -> Result<bool> {
        let ends: Vec<&str> = EventType::ALL
            .iter()
            .filter(|event_type| event_type.ends_job())
            .map(|event_type| event_type.as_str())
            .collect();
        let job = || SqlStorageValue::from(append.job_id.to_string());
        let sql = format!(
            "SELECT COUNT(*) AS value FROM log WHERE job_id = ?1 AND ((event_type IN ('{}') AND COALESCE(attempt, ?2) >= ?2) OR attempt > ?2)",
            ends.join("', '")
        );
        Ok(self.number(
            &sql,
            vec![job(), i64::from(append.attempt.unwrap_or_default()).into()],
        )? > 0)
    }

    /// Accepts the WebSocket of a stream, sends the position of the log and replays the entries after the cursor.
    fn open_stream(&self, after: Option<Cursor>) -> Result<Response> {
        let pair = WebSocketPair::new()?;
        self.state.accept_web_socket(&pair.server);
        let head = self.number("SELECT COALESCE(MAX(seq), (SELECT seq FROM sqlite_sequence WHERE name = 'log')) AS value FROM log", vec![])?;
        let oldest = self.number("SELECT MIN(seq) AS value FROM log", vec![])?;
        // A cursor can be resumed if it is of this log, not beyond its head, and nothing after it was pruned.
        let good = after.filter(|cursor| {
            cursor.generation == self.generation
                && cursor.seq <= head
                && (cursor.seq == head || cursor.seq + 1 >= oldest)
        });
        let hello = Frame::Hello {
            generation: self.generation,
            head,
            resumed: good.is_some(),
        };
        pair.server.send_with_str(serde_json::to_string(&hello)?)?;
        if let Some(cursor) = good {
            let seq = i64::try_from(cursor.seq).unwrap_or(i64::MAX);
            let sql = "SELECT seq, event_type, asset_id, job_id, payload FROM log WHERE seq > ? ORDER BY seq";
            let rows: Vec<Row> = self.sql().exec(sql, vec![seq.into()])?.to_array()?;
            let mut entries = rows.into_iter().map(Row::entry).peekable();
            while entries.peek().is_some() {
                let chunk = entries.by_ref().take(REPLAY_CHUNK).collect();
                pair.server
                    .send_with_str(serde_json::to_string(&Frame::Entries { entries: chunk })?)?;
            }
        }
        Response::from_websocket(pair.client)
    }

    fn prune(&self) -> Result<u64> {
        let before = i64::try_from(clock::now().minus_ms(KEEP_MS).ms()).unwrap_or_default();
        self.sql()
            .exec("DELETE FROM log WHERE at < ?", vec![before.into()])?;
        self.number("SELECT COUNT(*) AS value FROM log", vec![])
    }

    /// Has old events removed later on.
    async fn schedule_pruning(&self) -> Result<()> {
        if self.has_alarm.get() {
            return Ok(());
        }
        if self.state.storage().get_alarm().await?.is_none() {
            self.state.storage().set_alarm(PRUNE_EVERY_MS).await?;
        }
        self.has_alarm.set(true);
        Ok(())
    }

    async fn serve(&self, mut request: Request) -> Result<Response> {
        match object::read(&mut request).await? {
            Ask::Append { events } => {
                self.append(events)?;
                self.schedule_pruning().await?;
                Ok(Response::empty()?.with_status(204))
            }
            Ask::Progress { job_id, attempt } => {
                match self.progress(&job_id.to_string(), attempt)? {
                    Some(payload) => Response::ok(payload),
                    None => Ok(Response::empty()?.with_status(204)),
                }
            }
            Ask::Connect { after } => self.open_stream(after.and_then(|text| text.parse().ok())),
        }
    }
}

impl DurableObject for Hub {
    fn new(state: State, _env: Env) -> Self {
        let generation = Self::open(&state).unwrap_or_else(|error| {
            worker::console_error!("hub: the log cannot be opened: {error}");
            0
        });
        Self {
            state,
            generation,
            has_alarm: Cell::new(false),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        object::respond(super::CLASS, self.serve(request).await)
    }

    async fn alarm(&self) -> Result<Response> {
        self.has_alarm.set(false);
        match self.prune() {
            Ok(0) => {}
            Ok(_) => self.state.storage().set_alarm(PRUNE_EVERY_MS).await?,
            Err(error) => worker::console_error!("hub: old events cannot be removed: {error}"),
        }
        Response::empty()
    }

    async fn websocket_message(
        &self,
        _socket: WebSocket,
        _message: WebSocketIncomingMessage,
    ) -> Result<()> {
        Ok(())
    }

    async fn websocket_close(
        &self,
        socket: WebSocket,
        _code: usize,
        _reason: String,
        _clean: bool,
    ) -> Result<()> {
        // Answering the close frees the socket. It may be closed already.
        let _ = socket.close(Some(1000), None::<String>);
        Ok(())
    }

    async fn websocket_error(&self, _socket: WebSocket, _error: Error) -> Result<()> {
        Ok(())
    }
}
