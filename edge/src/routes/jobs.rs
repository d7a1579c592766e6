//! The job routes.

use shared::api::{JobPage, Op};
use shared::job::JobState;
use worker::Response;

use crate::app::App;
use crate::db::jobs::{Filter, JobRow};
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::jobs::{self, Change};
use crate::outbox;
use crate::routes::assets::{cursor, limit, page};
use crate::{db, hub, sweeper};

async fn own(app: &App, call: &Call) -> Result<JobRow> {
    let scope = call.scope(app)?;
    db::jobs::get(&app.db()?, call.id()?, &scope)
        .await?
        .ok_or_else(Error::not_found)
}

/// `GET /v1/jobs`
pub(crate) async fn list(app: &App, call: &Call) -> Result<Response> {
    let scope = call.scope(app)?;
    let limit = limit(call)?;
    let filter = Filter {
        state: call.query_as("state")?,
        asset_id: call.query_as("asset_id")?,
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
pub(crate) async fn get(app: &App, call: &Call) -> Result<Response> {
    let row = own(app, call).await?;
    let mut view = db::jobs::view(&app.db()?, &row).await?;
    if view.state == JobState::Running {
        let hub = hub::name(&row.tenant, &row.user_id);
        match hub::progress(app, &hub, view.id, view.attempt).await {
            Ok(Some(progress)) => view.progress = progress,
            Ok(None) => {}
            // A job without its progress is still an answer.
            Err(error) => worker::console_warn!("progress not read: {error:?}"),
        }
    }
    json(Op::GetJob, &view)
}

/// `POST /v1/jobs/{id}/cancel`
pub(crate) async fn cancel(app: &App, call: &Call) -> Result<Response> {
    change(app, call, Op::CancelJob, &Change::Cancel).await
}

/// `POST /v1/jobs/{id}/redrive`
pub(crate) async fn redrive(app: &App, call: &Call) -> Result<Response> {
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
