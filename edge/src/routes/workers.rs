//! The operations of native workers on themselves, and when each was last seen.

use std::cell::RefCell;
use std::collections::HashMap;

use shared::api::Op;
use shared::time::Timestamp;
use shared::worker::RegisterWorker;
use worker::Response;

use crate::app::App;
use crate::clock;
use crate::db;
use crate::db::workers::Sign;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};

/// An isolate writes at most this often that a worker was seen.
const SEEN_EVERY_MS: u64 = 10_000;

thread_local! {
    static SEEN: RefCell<HashMap<String, Timestamp>> = RefCell::default();
}

/// Notes a sign of life of `worker`. A failure is only logged: no job depends on it.
pub(super) async fn seen(app: &App, worker: &str, sign: Sign) {
    let now = clock::now();
    let is_news = SEEN.with_borrow_mut(|seen| {
        let is_fresh = |at: &Timestamp| now.ms_since(*at) < SEEN_EVERY_MS;
        if seen.get(worker).is_some_and(is_fresh) {
            return false;
        }
        // Forgets workers that are gone.
        seen.retain(|_, at| is_fresh(at));
        seen.insert(worker.to_owned(), now);
        true
    });
    let noted = async { db::workers::seen(&app.db()?, worker, sign, now).await };
    if is_news && let Err(error) = noted.await {
        worker::console_warn!("last sign of life of a worker not stored: {error:?}");
    }
}

/// `POST /v1/workers`
pub(super) async fn register(app: &App, call: &Call) -> Result<Response> {
    let worker = call.principal(app)?.user;
    let body: RegisterWorker = call.json()?;
    body.check()?;
    let now = clock::now();
    db::workers::register(&app.db()?, &worker, &body, now).await?;
    // So that the next pull is noted at once.
    SEEN.with_borrow_mut(|seen| seen.remove(&worker));
    let view = db::workers::get(&app.db()?, &worker, now).await?;
    json(Op::RegisterWorker, &view.ok_or_else(Error::not_found)?)
}
