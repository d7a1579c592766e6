//! What the script and the hub objects send each other.

pub(crate) mod object;
pub(crate) mod stream;
pub(crate) mod subject;

use serde::{Deserialize, Serialize};
use shared::event::{Cursor, Event, EventType};
use shared::id::{AssetId, EventId, JobId};
use shared::job::Progress;
use worker::{Stub, WebSocket};

use crate::app::App;
use crate::error::Result;
use crate::object as durable;

/// What a hub is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// Append events to the log. Idempotent by their ids.
    Append { events: Vec<Append> },
    /// The last progress event of an attempt.
    Progress { job_id: JobId, attempt: u32 },
    /// Accept a WebSocket and send [`Frame`]s, from the cursor on if there is one.
    Connect { after: Option<String> },
}

/// An event on its way to its hub: the members that the hub decides by, and the text that it stores.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Append {
    pub(crate) event_id: EventId,
    #[serde(rename = "type")]
    pub(crate) event_type: EventType,
    pub(crate) asset_id: AssetId,
    pub(crate) job_id: JobId,
    pub(crate) attempt: Option<u32>,
    /// The event as JSON, without its sequence number. Empty only while [`Append::stored`] reads the other members.
    #[serde(default)]
    pub(crate) payload: String,
}

impl Append {
    /// An event, ready to append.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
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

    /// An event as the outbox stores it.
    ///
    /// # Errors
    /// When `payload` is not an event.
    pub(crate) fn stored(payload: &str) -> Result<Self> {
        // An event has members of the same names.
        let append: Self = serde_json::from_str(payload)?;
        Ok(Self {
            payload: payload.to_owned(),
            ..append
        })
    }
}

/// What a hub sends to a stream.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
pub(crate) enum Frame {
    /// The first frame: the position of the log. `resumed`: the entries after the given cursor follow.
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

/// Name of the class in URLs and log lines.
const CLASS: &str = "hub";

fn object(app: &App, hub: &str) -> Result<Stub> {
    Ok(app.env.durable_object("HUB")?.get_by_name(hub)?)
}

/// Appends events to a hub. Idempotent by their ids.
///
/// # Errors
/// When the hub cannot be reached or fails; it may have some of the events then.
pub(crate) async fn append(app: &App, hub: &str, events: Vec<Append>) -> Result<()> {
    let append = Ask::Append { events };
    durable::ask(CLASS, &object(app, hub)?, &append)
        .await
        .map(|_| ())
}

/// The last progress of an attempt; `None` when its hub has none.
///
/// # Errors
/// When the hub cannot be reached or fails.
pub(crate) async fn progress(
    app: &App,
    hub: &str,
    job_id: JobId,
    attempt: u32,
) -> Result<Option<Progress>> {
    let ask = Ask::Progress { job_id, attempt };
    let mut response = durable::ask(CLASS, &object(app, hub)?, &ask).await?;
    if response.status_code() == 204 {
        return Ok(None);
    }
    let event: Event = serde_json::from_str(&response.text().await?)?;
    Ok(event.progress)
}

/// Opens a WebSocket on which a hub sends [`Frame`]s from `cursor` on.
///
/// # Errors
/// When the hub cannot be reached or fails.
pub(crate) async fn connect(app: &App, hub: &str, cursor: Option<Cursor>) -> Result<WebSocket> {
    let after = cursor.map(|cursor| cursor.to_string());
    durable::connect(CLASS, &object(app, hub)?, &Ask::Connect { after }).await
}
