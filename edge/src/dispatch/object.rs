//! Dispatch: one Durable Object that stores the hints for native workers and delivers each to one worker at a time. A worker
//! pulls; the pull waits until there is a hint.
//!
//! Invariant: a hint does not hold its job. One that was delivered and led to no claim is delivered again after
//! [`shared::worker::queue::UNCLAIMED_MS`]. Losing all hints costs only time, because the sweeper sends them again.
//! Invariant: a worker has at most one open pull. A new one ends the old one, whose connection may be dead.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, select};
use futures_util::stream;
use serde::Deserialize;
use shared::id::JobId;
use shared::time::Timestamp;
use shared::worker::queue::{
    AckMessages, Acked, BacklogMetrics, CONTENT_TYPE, DELAY_MAX_S, MessageMetadata, PullMetadata,
    Pulled, PulledMessage, PulledMessages,
};
use worker::wasm_bindgen;
use worker::{
    Delay, DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State,
    durable_object,
};

use super::{Ask, Pull};
use crate::clock;
use crate::object;

/// White space is sent this often while a pull waits: only a write shows that a worker is gone.
const TICK_MS: u64 = 500;

/// A hint is deleted after four days, as in Cloudflare Queues. The sweeper sends it again while its job waits.
const KEEP_MS: u64 = 4 * 86_400_000;

/// See the module.
#[durable_object(fetch)]
pub struct Dispatch {
    queue: Rc<HintQueue>,
}

/// Messages in SQLite, and the pulls that wait for one in memory.
struct HintQueue {
    sql: SqlStorage,
    waiters: RefCell<Vec<Waiter>>,
    /// Workers that were drained since this object was loaded. A pull says whether its worker was drained before that.
    drained: RefCell<BTreeSet<String>>,
    next_id: Cell<u64>,
}

/// A pull that waits.
struct Waiter {
    id: u64,
    pull: Pull,
    sender: oneshot::Sender<Vec<PulledMessage>>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    body: String,
    attempts: u32,
    pushed_at: u64,
    lease_id: String,
}

#[derive(Deserialize)]
struct IdRow {
    job_id: String,
}

#[derive(Deserialize)]
struct Number {
    value: Option<u64>,
}

#[derive(Deserialize)]
struct MetricsRow {
    count: u64,
    bytes: Option<u64>,
    oldest: Option<u64>,
}

fn at(time: Timestamp) -> SqlStorageValue {
    i64::try_from(time.ms()).unwrap_or(i64::MAX).into()
}

impl Row {
    fn message(self) -> PulledMessage {
        PulledMessage {
            id: self.id,
            body: self.body,
            attempts: self.attempts,
            timestamp_ms: self.pushed_at,
            lease_id: self.lease_id,
            metadata: MessageMetadata {
                content_type: CONTENT_TYPE.to_owned(),
            },
        }
    }
}

impl HintQueue {
    fn new(state: &State) -> Self {
        Self {
            sql: state.storage().sql(),
            waiters: RefCell::default(),
            drained: RefCell::default(),
            next_id: Cell::new(0),
        }
    }

    fn open(&self) -> Result<()> {
        self.sql.exec(
            "CREATE TABLE IF NOT EXISTS messages (seq INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL UNIQUE, id TEXT NOT NULL, \
             body TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, pushed_at INTEGER NOT NULL, visible_at INTEGER NOT NULL, lease_id TEXT); \
             CREATE INDEX IF NOT EXISTS messages_by_time ON messages (visible_at); \
             CREATE INDEX IF NOT EXISTS messages_by_lease ON messages (lease_id);",
            None,
        )?;
        Ok(())
    }

    fn push(&self, job: JobId, body: String) -> Result<()> {
        let now = clock::now();
        self.sql.exec(
            "DELETE FROM messages WHERE pushed_at < ?",
            vec![at(now.minus_ms(KEEP_MS))],
        )?;
        self.sql.exec(
            "INSERT INTO messages (job_id, id, body, pushed_at, visible_at) VALUES (?1, ?2, ?3, ?4, ?4) ON CONFLICT (job_id) DO NOTHING",
            vec![
                job.to_string().into(),
                clock::random_token().into(),
                body.into(),
                at(now),
            ],
        )?;
        self.deliver()
    }

    fn forget(&self, job: JobId) -> Result<()> {
        let sql = "DELETE FROM messages WHERE job_id = ?";
        self.sql.exec(sql, vec![job.to_string().into()])?;
        Ok(())
    }

    /// The oldest visible messages. They stay invisible to other workers for the time that the pull asks for.
    fn lease(&self, pull: &Pull) -> Result<Vec<PulledMessage>> {
        let now = clock::now();
        let sql = "SELECT job_id FROM messages WHERE visible_at <= ? ORDER BY seq LIMIT ?";
        let limit = i64::from(pull.batch_size);
        let rows: Vec<IdRow> = self
            .sql
            .exec(sql, vec![at(now), limit.into()])?
            .to_array()?;
        let mut messages = Vec::with_capacity(rows.len());
        for row in rows {
            let leased: Vec<Row> = self
                .sql
                .exec(
                    "UPDATE messages SET lease_id = ?, attempts = attempts + 1, visible_at = ? WHERE job_id = ? \
                     RETURNING id, body, attempts, pushed_at, lease_id",
                    vec![
                        clock::random_token().into(),
                        at(now.plus_ms(pull.visibility_ms)),
                        row.job_id.into(),
                    ],
                )?
                .to_array()?;
            messages.extend(leased.into_iter().map(Row::message));
        }
        Ok(messages)
    }

    /// Makes a leased message visible again at `visible_at`; false when there is no such lease.
    fn give_back(&self, lease_id: &str, visible_at: Timestamp) -> Result<bool> {
        let sql = "UPDATE messages SET visible_at = ?, lease_id = NULL WHERE lease_id = ? RETURNING job_id";
        let parameters = vec![at(visible_at), lease_id.into()];
        let given: Vec<IdRow> = self.sql.exec(sql, parameters)?.to_array()?;
        Ok(!given.is_empty())
    }

    /// Delivers visible messages to the pulls that wait, in the order of their arrival.
    fn deliver(&self) -> Result<()> {
        loop {
            let waiter = {
                let mut waiters = self.waiters.borrow_mut();
                let Some(index) = waiters.iter().position(|one| !self.is_drained(&one.pull)) else {
                    return Ok(());
                };
                waiters.remove(index)
            };
            let messages = self.lease(&waiter.pull)?;
            if messages.is_empty() {
                self.waiters.borrow_mut().insert(0, waiter);
                return Ok(());
            }
            if let Err(messages) = waiter.sender.send(messages) {
                // The pull has just ended.
                for message in messages {
                    self.give_back(&message.lease_id, clock::now())?;
                }
            }
        }
    }

    fn is_drained(&self, pull: &Pull) -> bool {
        pull.is_drained || self.drained.borrow().contains(&pull.worker)
    }

    /// Ends the open pull of `worker` without messages.
    fn end(&self, worker: &str) {
        let mut waiters = self.waiters.borrow_mut();
        while let Some(index) = waiters.iter().position(|one| one.pull.worker == worker) {
            // Fails when the connection of the pull is closed already.
            let _ = waiters.remove(index).sender.send(Vec::new());
        }
    }

    fn leave(&self, id: u64) {
        self.waiters.borrow_mut().retain(|waiter| waiter.id != id);
    }

    fn drain(&self, worker: String, drain: bool) {
        self.end(&worker);
        let mut drained = self.drained.borrow_mut();
        if drain {
            drained.insert(worker);
        } else {
            drained.remove(&worker);
        }
    }

    fn ack(&self, acks: &AckMessages) -> Result<Acked> {
        let mut acked = Acked::default();
        for ack in &acks.acks {
            let sql = "DELETE FROM messages WHERE lease_id = ? RETURNING job_id";
            let gone: Vec<IdRow> = self
                .sql
                .exec(sql, vec![ack.lease_id.as_str().into()])?
                .to_array()?;
            if gone.is_empty() {
                acked.warnings.push(ack.lease_id.clone());
            } else {
                acked.ack_count += 1;
            }
        }
        for retry in &acks.retries {
            let delay_s = retry.delay_seconds.unwrap_or_default().min(DELAY_MAX_S);
            let visible_at = clock::now().plus_ms(delay_s * 1_000);
            if self.give_back(&retry.lease_id, visible_at)? {
                acked.retry_count += 1;
            } else {
                acked.warnings.push(retry.lease_id.clone());
            }
        }
        self.deliver()?;
        Ok(acked)
    }

    fn metrics(&self) -> Result<BacklogMetrics> {
        let sql = "SELECT COUNT(*) AS count, SUM(LENGTH(body)) AS bytes, MIN(pushed_at) AS oldest FROM messages";
        let row: MetricsRow = self.sql.exec(sql, None)?.one()?;
        Ok(BacklogMetrics {
            backlog_count: row.count,
            backlog_bytes: row.bytes.unwrap_or_default(),
            oldest_message_timestamp_ms: row.oldest,
        })
    }

    /// The response to a pull, as JSON.
    fn answer(&self, messages: Vec<PulledMessage>) -> Result<String> {
        let metrics = self.metrics()?;
        let pulled = PulledMessages {
            success: true,
            errors: Vec::new(),
            messages: Vec::new(),
            result: Pulled {
                message_backlog_count: metrics.backlog_count,
                messages,
                metadata: PullMetadata { metrics },
            },
        };
        Ok(serde_json::to_string(&pulled)?)
    }

    /// Time until a message becomes visible, the pull ends or white space is due, whichever comes first.
    fn next_tick(&self, ends_at: Timestamp) -> Result<Duration> {
        let now = clock::now();
        let sql = "SELECT MIN(visible_at) AS value FROM messages WHERE visible_at > ?";
        let row: Number = self.sql.exec(sql, vec![at(now)])?.one()?;
        let times = [Some(ends_at), row.value.map(Timestamp::from_ms)];
        let waits = times.into_iter().flatten().map(|time| time.ms_since(now));
        let wait = waits.chain([TICK_MS]).min().unwrap_or(TICK_MS);
        Ok(Duration::from_millis(wait.max(1)))
    }
}

/// The response to a pull that waits. Dropped when it has ended, or when the worker is gone.
struct Waiting {
    queue: Rc<HintQueue>,
    id: u64,
    receiver: oneshot::Receiver<Vec<PulledMessage>>,
    ends_at: Timestamp,
    has_ended: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.queue.leave(self.id);
        // Messages that arrived in the meantime were not sent to the worker.
        if let Ok(Some(messages)) = self.receiver.try_recv() {
            for message in messages {
                if let Err(error) = self.queue.give_back(&message.lease_id, clock::now()) {
                    worker::console_error!("dispatch: {error}");
                }
            }
        }
    }
}

impl Waiting {
    fn register(queue: &Rc<HintQueue>, pull: Pull) -> Self {
        let (sender, receiver) = oneshot::channel();
        let id = queue.next_id.get();
        queue.next_id.set(id + 1);
        let ends_at = clock::now().plus_ms(pull.wait_ms);
        queue.waiters.borrow_mut().push(Waiter { id, pull, sender });
        Self {
            queue: Rc::clone(queue),
            id,
            receiver,
            ends_at,
            has_ended: false,
        }
    }

    /// The next piece of the response: white space, or the document.
    async fn piece(&mut self) -> Result<String> {
        let tick = Delay::from(self.queue.next_tick(self.ends_at)?);
        if let Either::Left((messages, _)) = select(&mut self.receiver, tick).await {
            return self.end(messages.unwrap_or_default());
        }
        self.queue.deliver()?;
        if let Ok(Some(messages)) = self.receiver.try_recv() {
            return self.end(messages);
        }
        if clock::now() >= self.ends_at {
            self.queue.leave(self.id);
            return self.end(Vec::new());
        }
        Ok(" ".to_owned())
    }

    fn end(&mut self, messages: Vec<PulledMessage>) -> Result<String> {
        self.has_ended = true;
        self.queue.answer(messages)
    }

    async fn next(mut self) -> Option<(Result<Vec<u8>>, Self)> {
        if self.has_ended {
            return None;
        }
        let piece = self.piece().await;
        if let Err(error) = &piece {
            worker::console_error!("dispatch: {error}");
            self.has_ended = true;
        }
        Some((piece.map(String::into_bytes), self))
    }
}

fn pull(queue: &Rc<HintQueue>, pull: Pull) -> Result<Response> {
    queue.end(&pull.worker);
    let messages = if queue.is_drained(&pull) {
        Vec::new()
    } else {
        queue.lease(&pull)?
    };
    if pull.wait_ms == 0 || !messages.is_empty() {
        return Response::ok(queue.answer(messages)?);
    }
    Response::from_stream(stream::unfold(
        Waiting::register(queue, pull),
        Waiting::next,
    ))
}

impl Dispatch {
    async fn serve(&self, mut request: Request) -> Result<Response> {
        let ask: Ask = object::read(&mut request).await?;
        let queue = &self.queue;
        match ask {
            Ask::Push { job_id, body } => queue.push(job_id, body)?,
            Ask::Forget { job_id } => queue.forget(job_id)?,
            Ask::Drain { worker, drain } => queue.drain(worker, drain),
            Ask::Pull(asked) => return pull(queue, asked),
            Ask::Ack(acks) => return Response::from_json(&queue.ack(&acks)?),
            Ask::Metrics => return Response::from_json(&queue.metrics()?),
        }
        Ok(Response::empty()?.with_status(204))
    }
}

impl DurableObject for Dispatch {
    fn new(state: State, _env: Env) -> Self {
        let queue = HintQueue::new(&state);
        if let Err(error) = queue.open() {
            worker::console_error!("dispatch: the messages cannot be opened: {error}");
        }
        Self {
            queue: Rc::new(queue),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        object::respond(super::CLASS, self.serve(request).await)
    }
}
