//! The operations of the event stream.
//!
//! Invariant: an internal error is answered with status 200, `retry:` and the end of the stream, because an `EventSource` never
//! reconnects after another status. Only refusals (400, 401, 403) have one.

use shared::api::{Op, Parameter, Ticket};
use shared::auth::{Principal, Role};
use shared::event::{Cursor, encode_sse_retry};
use worker::{Headers, Response};

use crate::app::App;
use crate::clock;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::hub;
use crate::hub::stream::{Filter, RETRY_AFTER_ERROR_MS, Stream};
use crate::hub::subject::hub_name;
use crate::scope::Scope;

/// How long a ticket opens streams. A plain `EventSource` reconnects with the same ticket.
const TICKET_TTL_S: u32 = 900;

/// `POST /v1/events/ticket`
pub(super) fn ticket(app: &App, call: &Call) -> Result<Response> {
    let scope = call.scope(app)?;
    let now = clock::now();
    let principal = Principal {
        tenant: scope.tenant,
        user: scope.acting_user,
        role: Role::User,
    };
    let ticket = app
        .config
        .tickets
        .sign(&principal, now, TICKET_TTL_S)
        .ok_or_else(|| Error::internal("the ticket cannot be signed"))?;
    json(
        Op::CreateTicket,
        &Ticket {
            ticket,
            expires_at: now.plus_ms(u64::from(TICKET_TTL_S) * 1_000),
        },
    )
}

/// The filter that the query parameters ask for.
fn filter(call: &Call) -> Result<Filter> {
    Ok(Filter {
        asset: call.query.parse(Parameter::EventAsset)?,
        job: call.query.parse(Parameter::EventJob)?,
        types: call.query.parse_list(Parameter::EventTypes)?,
    })
}

/// The cursor of a request: from the header that a reconnect sends, or from the query for clients that cannot set headers.
/// The inner `Err` is a text that is not a cursor: the stream begins with `reset`.
fn cursor(call: &Call) -> Option<std::result::Result<Cursor, ()>> {
    let text = call
        .last_event_id
        .as_deref()
        .filter(|text| !text.is_empty())
        .or_else(|| call.query.get(Parameter::LastEventId))?;
    Some(text.parse().map_err(|_| ()))
}

/// `GET /v1/events`
pub(super) async fn stream(app: &App, call: &Call) -> Result<Response> {
    let scope = match call.query.get(Parameter::Ticket) {
        Some(ticket) => Scope::of(&app.config.tickets.verify(ticket, clock::now())?, None)?,
        None => call.scope(app)?,
    };
    let filter = filter(call)?;
    let headers = Headers::new();
    headers.set("content-type", "text/event-stream")?;
    // Never compressed and never buffered: a proxy must not delay events.
    headers.set("cache-control", "no-cache, no-transform")?;
    headers.set("x-accel-buffering", "no")?;
    if call.is_head {
        return Ok(Response::empty()?.with_headers(headers));
    }
    let given = cursor(call);
    let resume = given.and_then(std::result::Result::ok);
    let hub = hub_name(&scope.tenant, &scope.acting_user);
    let response = match hub::connect(app, &hub, resume).await {
        Ok(socket) => Stream {
            app: app.clone(),
            scope,
            filter,
            had_cursor: given.is_some(),
            socket,
        }
        .response()?,
        Err(error) => {
            worker::console_error!("event stream: {error:?}");
            Response::ok(encode_sse_retry(RETRY_AFTER_ERROR_MS))?
        }
    };
    Ok(response.with_headers(headers))
}
