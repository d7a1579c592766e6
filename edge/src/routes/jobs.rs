//! The operations on jobs.

use shared::api::{JobPage, Op};
use shared::job::JobState;
use worker::Response;

use crate::app::App;
use crate::db;
use crate::db::jobs::{Filter, JobRow};
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::http::page::{cursor, limit, page};
use crate::hub;
use crate::jobs;
use crate::jobs::change::Change;
use crate::outbox;
use crate::sweeper;

/// The job of the path, if the caller may see it.
async fn own(app: &App, call: &Call) -> Result<JobRow> {
    let scope = call.scope(app)?;
    db::jobs::get(&app.db()?, call.id()?, &scope)
        .await?
        .ok_or_else(Error::not_found)
}

/// `GET /v1/jobs`
pub(super) async fn list(app: &App, call: &Call) -> Result<Response> {
    let scope = call.scope(app)?;
    let limit = limit(call)?;
    let filter = Filter {
        state: call.query_word("state", JobState::ALL)?,
        asset_id: call.query_id("asset_id")?,
        before: cursor(call)?,
    };
    let database = app.db()?;
    let rows = db::jobs::list(&database, &scope, &filter, limit + 1).await?;
    let (items, next_cursor) = page(db::jobs::views(&database, &rows).await?, limit, |job| {
        job.id
    });
    json(Op::ListJobs, &JobPage { items, next_cursor })
}

/// `GET /v1/jobs/{id}`
pub(super) async fn get(app: &App, call: &Call) -> Result<Response> {
    let row = own(app, call).await?;
    let mut view = db::jobs::view(&app.db()?, &row).await?;
    if view.state == JobState::Running {
        match hub::progress(app, &row.subject()?.hub(), view.id, view.attempt).await {
            Ok(Some(progress)) => view.progress = progress,
            Ok(None) => {}
            // The job is answered without its progress.
            Err(error) => worker::console_warn!("progress not read: {error:?} job.id={}", view.id),
        }
    }
    json(Op::GetJob, &view)
}

/// `POST /v1/jobs/{id}/cancel`
pub(super) async fn cancel(app: &App, call: &Call) -> Result<Response> {
    change(app, call, Op::CancelJob, &Change::Cancel).await
}

/// `POST /v1/jobs/{id}/redrive`
pub(super) async fn redrive(app: &App, call: &Call) -> Result<Response> {
    change(app, call, Op::RedriveJob, &Change::Redrive).await
}

async fn change(app: &App, call: &Call, op: Op, change: &Change) -> Result<Response> {
    let row = own(app, call).await?;
    sweeper::wake(&app.env).await;
    let applied = jobs::apply(app, row.id()?, change).await?;
    outbox::settle(app, applied.effects).await;
    let database = app.db()?;
    let row = db::jobs::get_any(&database, row.id()?)
        .await?
        .ok_or_else(Error::not_found)?;
    json(op, &db::jobs::view(&database, &row).await?)
}
