//! The operations of admins: native workers, and the backlog.

use percent_encoding::percent_decode_str;
use shared::api::{Backlog, DrainWorker, Op, WorkerList};
use shared::problem::ErrorCode;
use worker::Response;

use crate::app::App;
use crate::clock;
use crate::db;
use crate::dispatch;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};

/// `GET /v1/admin/workers`
pub(super) async fn list_workers(app: &App) -> Result<Response> {
    let items = db::workers::list(&app.db()?, clock::now()).await?;
    json(Op::ListWorkers, &WorkerList { items })
}

fn no_worker() -> Error {
    let detail = "No worker has registered with this id. ListWorkers lists all of them.";
    Error::problem(ErrorCode::NotFound, detail)
}

/// `POST /v1/admin/workers/{worker_id}/drain`
pub(super) async fn drain_worker(app: &App, call: &Call) -> Result<Response> {
    let body: DrainWorker = call.json()?;
    // The id is the `sub` of a token. All other ids in paths are ours and never percent-encoded.
    let id = percent_decode_str(call.param(0))
        .decode_utf8()
        .map_err(|_| no_worker())?;
    if !db::workers::drain(&app.db()?, &id, body.drain).await? {
        return Err(no_worker());
    }
    dispatch::drain(app, &id, body.drain).await?;
    let view = db::workers::get(&app.db()?, &id, clock::now()).await?;
    json(Op::DrainWorker, &view.ok_or_else(no_worker)?)
}

/// `GET /v1/admin/backlog`
pub(super) async fn backlog(app: &App, call: &Call) -> Result<Response> {
    let now = clock::now();
    let tenant = call.principal(app)?.tenant;
    let (jobs, oldest) = db::jobs::backlog(&app.db()?, &tenant, now).await?;
    let backlog = Backlog {
        jobs,
        oldest_queued_ms: oldest.map(|at| now.ms_since(at)),
        dispatch: dispatch::metrics(app).await?,
    };
    json(Op::GetBacklog, &backlog)
}
