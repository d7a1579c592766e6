//! The event stream of one client. The stateless script holds the client's connection and a WebSocket to the user's hub, which
//! hibernates: an idle client costs nothing.

use std::time::Duration;

use futures_channel::mpsc::{Sender, channel};
use futures_util::future::{Either, select};
use futures_util::stream::StreamExt as _;
use serde::Serialize;
use shared::api::LIMIT_MAX;
use shared::event::{
    Cursor, EventType, HEARTBEAT_MS, Reset, SSE_HEARTBEAT, Snapshot, encode_sse, encode_sse_retry,
};
use shared::id::{AssetId, JobId};
use worker::{Delay, Response, WebSocket, WebsocketEvent};

use super::{Entry, Frame};
use crate::app::App;
use crate::clock;
use crate::db;
use crate::error::Result;
use crate::scope::Scope;
use crate::storage::output::Urls;

/// After this time a client that lost its stream reconnects.
const RETRY_MS: u64 = 1_000;
/// After this time a client reconnects when the stream ended by an internal error.
pub(crate) const RETRY_AFTER_ERROR_MS: u64 = 2_000;
/// A stream ends after 8–12 minutes and the client resumes it, because tokens expire and scripts are updated.
const ROTATION_MS: u64 = 480_000;
const ROTATION_JITTER_MS: u64 = 240_000;
/// Chunks that may wait for a slow reader. Beyond this the stream ends, and the client resumes from the log.
const BACKLOG_MAX: usize = 500;

/// Which events a stream contains.
pub(crate) struct Filter {
    pub(crate) asset: Option<AssetId>,
    pub(crate) job: Option<JobId>,
    pub(crate) types: Option<Vec<EventType>>,
}

impl Filter {
    fn contains(&self, entry: &Entry) -> bool {
        self.asset
            .is_none_or(|asset| asset.to_string() == entry.asset_id)
            && self.job.is_none_or(|job| job.to_string() == entry.job_id)
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.iter().any(|one| one.as_str() == entry.event_type))
    }
}

/// A stream that is about to begin.
pub(crate) struct Stream {
    pub(crate) app: App,
    pub(crate) scope: Scope,
    pub(crate) filter: Filter,
    /// Whether the client sent a cursor, valid or not.
    pub(crate) had_cursor: bool,
    /// Connection to the hub.
    pub(crate) socket: WebSocket,
}

impl Stream {
    /// The response whose body is the stream.
    ///
    /// # Errors
    /// When no response can be built.
    pub(crate) fn response(self) -> Result<Response> {
        let (sender, receiver) = channel(BACKLOG_MAX);
        let pump = Pump {
            stream: self,
            sender,
            cursor: None,
        };
        wasm_bindgen_futures::spawn_local(pump.run());
        let chunks = receiver.map(|chunk: String| Ok::<_, worker::Error>(chunk.into_bytes()));
        Ok(Response::from_stream(chunks)?)
    }
}

/// Carries frames from the hub to one client.
struct Pump {
    stream: Stream,
    sender: Sender<String>,
    /// Position in the log at which the stream began.
    cursor: Option<Cursor>,
}

/// Why a stream ends.
enum End {
    /// The client disconnected or reads too slowly.
    Client,
    /// It is 8–12 minutes old.
    Rotation,
    /// The connection to the hub was lost.
    Hub,
}

impl Pump {
    async fn run(mut self) {
        let end = match self.pump().await {
            Ok(end) => end,
            Err(error) => {
                worker::console_error!("event stream: {error:?}");
                End::Hub
            }
        };
        let retry_ms = match end {
            End::Client | End::Rotation => RETRY_MS,
            End::Hub => RETRY_AFTER_ERROR_MS,
        };
        // Both ends may be closed already.
        let _ = self.sender.try_send(encode_sse_retry(retry_ms));
        let _ = self.stream.socket.close(Some(1000), Some("stream ended"));
    }

    /// Sends text to the client; false when it disconnected or is too slow.
    fn send(&mut self, text: String) -> bool {
        self.sender.try_send(text).is_ok()
    }

    async fn pump(&mut self) -> Result<End> {
        let socket = self.stream.socket.clone();
        let mut frames = socket.events()?;
        socket.accept()?;
        if !self.send(encode_sse_retry(RETRY_MS)) {
            return Ok(End::Client);
        }
        let rotate_at =
            clock::now().plus_ms(ROTATION_MS + clock::random_u64() % ROTATION_JITTER_MS);
        loop {
            let heartbeat = Delay::from(Duration::from_millis(HEARTBEAT_MS));
            let is_open = match select(frames.next(), heartbeat).await {
                Either::Left((Some(Ok(WebsocketEvent::Message(message))), _)) => {
                    let text = message.text().unwrap_or_default();
                    self.frame(serde_json::from_str(&text)?).await?
                }
                Either::Left((Some(Ok(WebsocketEvent::Close(_)) | Err(_)) | None, _)) => {
                    return Ok(End::Hub);
                }
                Either::Right(((), _)) => self.send(SSE_HEARTBEAT.to_owned()),
            };
            if !is_open {
                return Ok(End::Client);
            }
            if clock::now() >= rotate_at {
                return Ok(End::Rotation);
            }
        }
    }

    async fn frame(&mut self, frame: Frame) -> Result<bool> {
        match frame {
            Frame::Hello {
                generation,
                head,
                resumed,
            } => {
                let cursor = Cursor {
                    generation,
                    seq: head,
                };
                self.cursor = Some(cursor);
                if resumed {
                    return Ok(true);
                }
                if self.stream.had_cursor && !self.reset(cursor)? {
                    return Ok(false);
                }
                self.snapshot(cursor).await
            }
            Frame::Entries { entries } => {
                let generation = self.cursor.map_or(0, |cursor| cursor.generation);
                let mut text = String::new();
                for entry in entries
                    .iter()
                    .filter(|entry| self.stream.filter.contains(entry))
                {
                    text.push_str(&encode_sse(
                        Some(Cursor {
                            generation,
                            seq: entry.seq,
                        }),
                        &entry.event_type,
                        &entry.data,
                    ));
                }
                Ok(text.is_empty() || self.send(text))
            }
        }
    }

    /// Sends `reset`: the given cursor cannot be resumed.
    fn reset(&mut self, cursor: Cursor) -> Result<bool> {
        let reason = "The log does not contain all events after this cursor. A snapshot of the current state follows.".to_owned();
        let reset = Reset {
            event_type: EventType::Reset,
            time: clock::now(),
            reason,
        };
        self.own_event(cursor, EventType::Reset, &reset)
    }

    /// Sends `snapshot`: everything that is not final. It is read after the hub sent the position of its log, so no event is missed.
    async fn snapshot(&mut self, cursor: Cursor) -> Result<bool> {
        let database = self.stream.app.db()?;
        let (tenant, user) = (&self.stream.scope.tenant, &self.stream.scope.acting_user);
        let assets = db::assets::open(&database, tenant, user, LIMIT_MAX).await?;
        let jobs = db::jobs::open(&database, tenant, user, LIMIT_MAX).await?;
        let asset_filter = |id: AssetId| self.stream.filter.asset.is_none_or(|asset| asset == id);
        let job_filter = |id: JobId| self.stream.filter.job.is_none_or(|job| job == id);
        let urls = Urls::new(&self.stream.app.config);
        let assets = assets
            .iter()
            .map(|row| row.view(&urls))
            .collect::<Result<Vec<_>>>()?;
        let jobs = db::jobs::views(&database, &jobs).await?;
        let snapshot = Snapshot {
            event_type: EventType::Snapshot,
            time: clock::now(),
            assets: assets
                .into_iter()
                .filter(|asset| asset_filter(asset.id) && job_filter(asset.job_id))
                .collect(),
            jobs: jobs
                .into_iter()
                .filter(|job| job_filter(job.id) && asset_filter(job.asset_id))
                .collect(),
        };
        self.own_event(cursor, EventType::Snapshot, &snapshot)
    }

    fn own_event<T: Serialize>(
        &mut self,
        cursor: Cursor,
        event_type: EventType,
        data: &T,
    ) -> Result<bool> {
        Ok(self.send(encode_sse(
            Some(cursor),
            event_type.as_str(),
            &serde_json::to_string(data)?,
        )))
    }
}
