//! The wire between the script and the hub objects, and the name of a user's hub.

pub(crate) mod object;

use serde::{Deserialize, Serialize};
use shared::event::{Cursor, Event, EventType};
use shared::id::{AssetId, EventId, JobId};
use shared::job::Progress;
use worker::{Headers, Method, Request, RequestInit};

use crate::app::App;
use crate::error::{Error, Result};

/// Name of a user's hub: a JSON list, so that no two pairs of names share one.
pub(crate) fn name(tenant: &str, user: &str) -> String {
    serde_json::json!([tenant, user]).to_string()
}

/// An event on its way to its hub: what the hub decides by, and the text it stores.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Append {
    pub(crate) event_id: EventId,
    #[serde(rename = "type")]
    pub(crate) event_type: EventType,
    pub(crate) asset_id: AssetId,
    pub(crate) job_id: JobId,
    pub(crate) attempt: Option<u32>,
    /// The event as JSON, without its sequence number; empty only on the way.
    #[serde(default)]
    pub(crate) payload: String,
}

impl Append {
    /// An event, ready to append.
    pub(crate) fn of(event: &Event) -> Result<Self> {
        Ok(Self {
            event_id: event.event_id,
            event_type: event.event_type,
            asset_id: event.asset_id,
            job_id: event.job_id,
            attempt: event.attempt,
            payload: serde_json::to_string(event)?,
        })
    }

    /// An event read back from the outbox.
    pub(crate) fn stored(payload: &str) -> Result<Self> {
        // The members that it is decided by are those of the event, by the same names.
        let append: Self = serde_json::from_str(payload)?;
        Ok(Self {
            payload: payload.to_owned(),
            ..append
        })
    }
}

/// What the hub tells a stream: first where its log stands, then entries.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub(crate) enum Frame {
    /// The first frame. `resumed`: the given cursor is good and entries after it follow.
    Hello {
        generation: u32,
        head: u64,
        resumed: bool,
    },
    /// Entries of the log, in order.
    Entries { entries: Vec<Entry> },
}

/// One entry of the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    pub(crate) asset_id: String,
    pub(crate) job_id: String,
    /// The event as JSON, with its sequence number.
    pub(crate) data: String,
}

/// Appends events to a hub; idempotent by their ids.
pub(crate) async fn append(app: &App, hub: &str, events: &[Append]) -> Result<()> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(serde_json::to_string(events)?.into()));
    let request = Request::new_with_init("http://hub/append", &init)?;
    let response = app.hub(hub)?.fetch_with_request(request).await?;
    if response.status_code() == 204 {
        Ok(())
    } else {
        Err(Error::internal(format!(
            "hub answered {}",
            response.status_code()
        )))
    }
}

/// The last progress of an attempt, if its hub has heard of any.
pub(crate) async fn progress(
    app: &App,
    hub: &str,
    job: JobId,
    attempt: u32,
) -> Result<Option<Progress>> {
    let url = format!("http://hub/progress?job={job}&attempt={attempt}");
    let mut response = app.hub(hub)?.fetch_with_str(&url).await?;
    match response.status_code() {
        200 => {
            let event: Event = serde_json::from_str(&response.text().await?)?;
            Ok(event.progress)
        }
        204 => Ok(None),
        status => Err(Error::internal(format!("hub answered {status}"))),
    }
}

/// Opens a WebSocket to a hub, which will send [`Frame`]s from `cursor` on.
pub(crate) async fn connect(
    app: &App,
    hub: &str,
    cursor: Option<Cursor>,
) -> Result<worker::WebSocket> {
    let headers = Headers::new();
    headers.set("upgrade", "websocket")?;
    let mut init = RequestInit::new();
    init.with_headers(headers);
    let after = cursor.map(|cursor| cursor.to_string()).unwrap_or_default();
    let request = Request::new_with_init(&format!("http://hub/connect?after={after}"), &init)?;
    let response = app.hub(hub)?.fetch_with_request(request).await?;
    response
        .websocket()
        .ok_or_else(|| Error::internal("hub opened no WebSocket"))
}
