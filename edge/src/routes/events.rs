//! The event stream: this stateless script holds the client's connection and a hibernating WebSocket to the user's hub,
//! so that an idle viewer costs nothing.
//!
//! Invariant: a fault of ours is answered with 200, `retry:` and the end of the stream, because `EventSource` gives up for
//! good on any other status. Only real refusals (401, 403, 400) are statuses.

use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::StreamExt as _;
use serde::Serialize;
use shared::api::{LIMIT_MAX, Op, Ticket};
use shared::event::{
    Cursor, EventType, HEARTBEAT_MS, Reset, SSE_HEARTBEAT, Snapshot, encode_sse, encode_sse_retry,
};
use shared::id::{AssetId, JobId};
use shared::problem::ErrorCode;
use worker::{Delay, Headers, Response, WebSocket, WebsocketEvent};

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::hub::{self, Entry, Frame};
use crate::scope::Scope;
use crate::{clock, db};

/// When a client that lost its stream comes back.
const RETRY_MS: u64 = 1_000;
/// When a client comes back after a fault of ours.
const RETRY_AFTER_FAULT_MS: u64 = 2_000;
/// A stream ends after 8–12 minutes and the client resumes: tokens expire, scripts are updated.
const ROTATION_MS: u64 = 480_000;
const ROTATION_JITTER_MS: u64 = 240_000;
/// Chunks that may wait for a slow reader; beyond this it is cut and resumes from the log.
const BACKLOG_MAX: usize = 500;
/// How long a ticket opens streams; a plain `EventSource` reconnects with the same one.
const TICKET_TTL_S: u32 = 900;

/// `POST /v1/events/ticket`
pub(crate) fn ticket(app: &App, call: &Call) -> Result<Response> {
    let scope = call.scope(app)?;
    let now = clock::now();
    let principal = shared::auth::Principal {
        tenant: scope.tenant,
        user: scope.acting_user,
        role: shared::auth::Role::User,
    };
    let ticket = app
        .config
        .tickets
        .sign(&principal, now, TICKET_TTL_S)
        .ok_or_else(|| Error::internal("a ticket cannot be signed"))?;
    json(
        Op::CreateTicket,
        &Ticket {
            ticket,
            expires_at: now.plus_ms(u64::from(TICKET_TTL_S) * 1_000),
        },
    )
}

/// Which events a stream wants.
struct Filter {
    asset: Option<AssetId>,
    job: Option<JobId>,
    types: Option<Vec<EventType>>,
}

impl Filter {
    fn of(call: &Call) -> Result<Self> {
        let types = call.query("types").map(|list| {
            list.split(',')
                .map(|word| word.trim().parse())
                .collect::<std::result::Result<Vec<_>, _>>()
        });
        let types = types.transpose().map_err(|_| {
            Error::problem(
                ErrorCode::QueryInvalid,
                "types must be event types, separated by commas.",
            )
        })?;
        Ok(Self {
            asset: call.query_as("asset")?,
            job: call.query_as("job")?,
            types,
        })
    }

    fn wants(&self, entry: &Entry) -> bool {
        self.asset
            .is_none_or(|asset| asset.to_string() == entry.asset_id)
            && self.job.is_none_or(|job| job.to_string() == entry.job_id)
            && self
                .types
                .as_ref()
                .is_none_or(|types| types.iter().any(|one| one.as_str() == entry.event_type))
    }
}

/// The cursor of a request: the header of a reconnect, or a query parameter for clients that cannot set headers.
/// The inner `Err` is a text that is no cursor: the stream starts with `reset`.
fn cursor(call: &Call) -> Option<std::result::Result<Cursor, ()>> {
    let text = call
        .last_event_id
        .as_deref()
        .filter(|text| !text.is_empty())
        .or_else(|| call.query("last_event_id"))?;
    Some(text.parse().map_err(|_| ()))
}

/// `GET /v1/events`
pub(crate) async fn stream(app: &App, call: &Call) -> Result<Response> {
    let scope = match call.query("ticket") {
        Some(ticket) => Scope::of(&app.config.tickets.verify(ticket, clock::now())?, None)?,
        None => call.scope(app)?,
    };
    let filter = Filter::of(call)?;
    let headers = Headers::new();
    headers.set("content-type", "text/event-stream")?;
    // Never compressed, never buffered: an event that waits in a proxy is no event.
    headers.set("cache-control", "no-cache, no-transform")?;
    headers.set("x-accel-buffering", "no")?;
    if call.is_head {
        return Ok(Response::empty()?.with_headers(headers));
    }
    let given = cursor(call);
    let resume = given.and_then(std::result::Result::ok);
    let response =
        match hub::connect(app, &hub::name(&scope.tenant, &scope.acting_user), resume).await {
            Ok(socket) => {
                let (sender, receiver) = futures_channel::mpsc::channel(BACKLOG_MAX);
                let pump = Pump {
                    app: app.clone(),
                    scope,
                    filter,
                    asked: given.is_some(),
                    socket,
                    sender,
                    cursor: None,
                };
                wasm_bindgen_futures::spawn_local(pump.run());
                Response::from_stream(
                    receiver.map(|chunk: String| Ok::<_, worker::Error>(chunk.into_bytes())),
                )?
            }
            Err(error) => {
                worker::console_error!("event stream: {error:?}");
                Response::ok(encode_sse_retry(RETRY_AFTER_FAULT_MS))?
            }
        };
    Ok(response.with_headers(headers))
}

/// Carries frames from the hub to one client.
struct Pump {
    app: App,
    scope: Scope,
    filter: Filter,
    /// Whether the client gave a cursor, good or bad.
    asked: bool,
    socket: WebSocket,
    sender: futures_channel::mpsc::Sender<String>,
    /// Place in the log up to which the client has been served.
    cursor: Option<Cursor>,
}

/// Why a stream ends.
enum End {
    /// The client left, or reads too slowly.
    Client,
    /// Its time is over.
    Rotation,
    /// The hub went away.
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
            End::Hub => RETRY_AFTER_FAULT_MS,
        };
        // Both may be gone already; then there is nobody to tell.
        let _ = self.sender.try_send(encode_sse_retry(retry_ms));
        let _ = self.socket.close(Some(1000), Some("stream ended"));
    }

    /// Hands text to the client; false when it left or is too slow.
    fn send(&mut self, text: String) -> bool {
        self.sender.try_send(text).is_ok()
    }

    async fn pump(&mut self) -> Result<End> {
        let socket = self.socket.clone();
        let mut frames = socket.events()?;
        socket.accept()?;
        if !self.send(encode_sse_retry(RETRY_MS)) {
            return Ok(End::Client);
        }
        let rotate_at =
            clock::now().plus_ms(ROTATION_MS + clock::random_u64() % ROTATION_JITTER_MS);
        loop {
            let heartbeat = Delay::from(Duration::from_millis(HEARTBEAT_MS));
            let going_on = match select(frames.next(), heartbeat).await {
                Either::Left((Some(Ok(WebsocketEvent::Message(message))), _)) => {
                    let text = message.text().unwrap_or_default();
                    self.frame(serde_json::from_str(&text)?).await?
                }
                Either::Left((Some(Ok(WebsocketEvent::Close(_)) | Err(_)) | None, _)) => {
                    return Ok(End::Hub);
                }
                Either::Right(((), _)) => self.send(SSE_HEARTBEAT.to_owned()),
            };
            if !going_on {
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
                if self.asked && !self.reset(cursor)? {
                    return Ok(false);
                }
                self.snapshot(cursor).await
            }
            Frame::Entries { entries } => {
                let generation = self.cursor.map_or(0, |cursor| cursor.generation);
                let mut text = String::new();
                for entry in entries.iter().filter(|entry| self.filter.wants(entry)) {
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

    /// Tells that the given cursor cannot be resumed.
    fn reset(&mut self, cursor: Cursor) -> Result<bool> {
        let reason = "The log no longer holds what follows this cursor; a snapshot of the current state comes next.".to_owned();
        let reset = Reset {
            event_type: EventType::Reset,
            time: clock::now(),
            reason,
        };
        self.own_event(cursor, EventType::Reset, &reset)
    }

    /// Tells everything that is not final. It is read after the hub said where its log stands, so nothing falls between.
    async fn snapshot(&mut self, cursor: Cursor) -> Result<bool> {
        let database = self.app.db()?;
        let (tenant, user) = (&self.scope.tenant, &self.scope.acting_user);
        let assets = db::assets::open(&database, tenant, user, LIMIT_MAX).await?;
        let jobs = db::jobs::open(&database, tenant, user, LIMIT_MAX).await?;
        let asset_filter = |id: AssetId| self.filter.asset.is_none_or(|asset| asset == id);
        let job_filter = |id: JobId| self.filter.job.is_none_or(|job| job == id);
        let assets = assets
            .iter()
            .map(|row| row.view(&self.app.config))
            .collect::<Result<Vec<_>>>()?;
        let jobs = db::jobs::views(&database, &jobs).await?;
        let snapshot = Snapshot {
            event_type: EventType::Snapshot,
            time: clock::now(),
            assets: assets
                .into_iter()
                .filter(|asset| asset_filter(asset.id))
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
