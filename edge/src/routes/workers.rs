//! Native workers as such: what they say of themselves, and what admins do with them.

use std::cell::RefCell;
use std::collections::HashMap;

use shared::api::{Backlog, DrainWorker, Op, WorkerList};
use shared::problem::ErrorCode;
use shared::time::Timestamp;
use shared::worker::{RegisterWorker, Worker};
use worker::Response;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::{clock, db, dispatch};

/// Longest name of a version or an encoder, and most encoders: a worker is a row, not a document.
const NAME_MAX_BYTES: usize = 256;
const ENCODERS_MAX: usize = 64;

/// That a worker was heard of is written at most this often by each isolate.
const SEEN_EVERY_MS: u64 = 10_000;

thread_local! {
    static SEEN: RefCell<HashMap<String, Timestamp>> = RefCell::default();
}

/// Notes that `worker` was heard of. A failure is only logged: nothing depends on it.
pub(crate) async fn seen(app: &App, worker: &str) {
    let now = clock::now();
    let is_news = SEEN.with_borrow_mut(|seen| {
        let is_fresh = |at: &Timestamp| now.ms_since(*at) < SEEN_EVERY_MS;
        if seen.get(worker).is_some_and(is_fresh) {
            return false;
        }
        // Workers that went leave no trace.
        seen.retain(|_, at| is_fresh(at));
        seen.insert(worker.to_owned(), now);
        true
    });
    let noted = async { db::workers::seen(&app.db()?, worker, now).await };
    if is_news && let Err(error) = noted.await {
        worker::console_warn!("worker not noted as seen: {error:?}");
    }
}

/// `POST /v1/workers`
pub(crate) async fn register(app: &App, call: &Call) -> Result<Response> {
    let worker = call.principal(app)?.user;
    let body: RegisterWorker = call.json()?;
    let fits = |text: &str| text.len() <= NAME_MAX_BYTES && !text.contains('\0');
    let is_good = fits(&body.version)
        && fits(&body.ffmpeg_version)
        && body.slots > 0
        && body.encoders.len() <= ENCODERS_MAX
        && body.encoders.iter().all(|encoder| fits(&encoder.name));
    if !is_good {
        let detail = format!(
            "A worker has at least one slot, at most {ENCODERS_MAX} encoders, and names of at most {NAME_MAX_BYTES} bytes."
        );
        return Err(Error::problem(ErrorCode::RequestInvalid, detail));
    }
    db::workers::register(&app.db()?, &worker, &body, clock::now()).await?;
    json(Op::RegisterWorker, &get(app, &worker).await?)
}

async fn get(app: &App, id: &str) -> Result<Worker> {
    db::workers::get(&app.db()?, id)
        .await?
        .ok_or_else(Error::not_found)
}

/// `GET /v1/admin/workers`
pub(crate) async fn list(app: &App) -> Result<Response> {
    let items = db::workers::list(&app.db()?).await?;
    json(Op::ListWorkers, &WorkerList { items })
}

/// `POST /v1/admin/workers/{worker_id}/drain`
pub(crate) async fn drain(app: &App, call: &Call) -> Result<Response> {
    let body: DrainWorker = call.json()?;
    // The only id that is not ours: it may need escapes to stand in a path.
    let id = js_sys::decode_uri_component(call.param(0)).map_err(|_| Error::not_found())?;
    let id = String::from(id);
    if !db::workers::drain(&app.db()?, &id, body.drain).await? {
        return Err(Error::not_found());
    }
    dispatch::drain(app, &id, body.drain).await?;
    json(Op::DrainWorker, &get(app, &id).await?)
}

/// `GET /v1/admin/backlog`
pub(crate) async fn backlog(app: &App, call: &Call) -> Result<Response> {
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
