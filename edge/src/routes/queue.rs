//! The operations of native workers on the queue: the pull API of Cloudflare Queues, served by the dispatch object.

use shared::api::Op;
use shared::message::QUEUE;
use shared::problem::ErrorCode;
use shared::worker::queue::{
    AckMessages, AckedMessages, BATCH_DEFAULT, BATCH_MAX, PullMessages, UNCLAIMED_MS, WAIT_MAX_MS,
};
use worker::{Headers, Response};

use super::workers;
use crate::app::App;
use crate::db;
use crate::db::workers::Sign;
use crate::dispatch;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};

/// Checks that the path names the only queue.
fn check_queue(call: &Call) -> Result<()> {
    if call.param(0) == QUEUE {
        Ok(())
    } else {
        let detail = format!("There is no queue of this name; the only one is {QUEUE}.");
        Err(Error::problem(ErrorCode::NotFound, detail))
    }
}

/// `POST /v1/queues/{queue}/messages/pull`
pub(super) async fn pull(app: &App, call: &Call) -> Result<Response> {
    check_queue(call)?;
    let worker = call.principal(app)?.user;
    let body: PullMessages = call.json_or_default()?;
    let batch_size = body.batch_size.unwrap_or(BATCH_DEFAULT);
    if !(1..=BATCH_MAX).contains(&batch_size) {
        let detail = format!("batch_size must be an integer from 1 to {BATCH_MAX}.");
        return Err(Error::problem(ErrorCode::RequestInvalid, detail));
    }
    let visibility_ms = body.visibility_timeout_ms.or(body.visibility_timeout);
    workers::seen(app, &worker, Sign::Pull).await;
    let is_drained = db::workers::is_draining(&app.db()?, &worker).await?;
    let pull = dispatch::Pull {
        worker,
        is_drained,
        batch_size,
        visibility_ms: visibility_ms.unwrap_or(UNCLAIMED_MS).min(UNCLAIMED_MS),
        wait_ms: body.wait_ms.unwrap_or_default().min(WAIT_MAX_MS),
    };
    // The body of the object's response is passed on as it comes. Its headers are immutable.
    let (_, body) = dispatch::pull(app, pull).await?.into_parts();
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    // Never compressed and never buffered: a worker that is gone is noticed when white space cannot be sent.
    headers.set("cache-control", "no-store, no-transform")?;
    headers.set("x-accel-buffering", "no")?;
    Ok(Response::from_body(body)?.with_headers(headers))
}

/// `POST /v1/queues/{queue}/messages/ack`
pub(super) async fn ack(app: &App, call: &Call) -> Result<Response> {
    check_queue(call)?;
    workers::seen(app, &call.principal(app)?.user, Sign::Request).await;
    let acks: AckMessages = call.json()?;
    let acked = AckedMessages {
        success: true,
        errors: Vec::new(),
        messages: Vec::new(),
        result: dispatch::ack(app, acks).await?,
    };
    json(Op::AckMessages, &acked)
}
