//! The operations on jobs.

use shared::api::{JobPage, Op, Parameter};
use shared::job::{JobState, JobView, Rejected};
use worker::Response;

use crate::app::App;
use crate::db;
use crate::db::assets::AssetRow;
use crate::db::jobs::{Filter, JobRow};
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::http::page::{limit, page};
use crate::hub;
use crate::jobs;
use crate::jobs::request::Change;
use crate::outbox;
use crate::sweeper;
use crate::upload::end;

/// A job that the caller may see.
enum Found {
    /// Its row.
    Stored(JobRow),
    /// The asset whose upload it waits for, or whose upload failed. Nothing is stored about the job itself.
    BeforeUpload(AssetRow),
}

/// The job of the path, if the caller may see it.
async fn own(app: &App, call: &Call) -> Result<Found> {
    let (scope, id) = (call.scope(app)?, call.id()?);
    let database = app.db()?;
    if let Some(row) = db::jobs::get(&database, id, &scope).await? {
        return Ok(Found::Stored(row));
    }
    let asset = db::assets::of_job(&database, id, &scope).await?;
    let asset = asset.ok_or_else(Error::not_found)?;
    // The upload may have been confirmed between the two reads.
    Ok(match db::jobs::get(&database, id, &scope).await? {
        Some(row) => Found::Stored(row),
        None => Found::BeforeUpload(asset),
    })
}

/// `GET /v1/jobs`
pub(super) async fn list(app: &App, call: &Call) -> Result<Response> {
    let scope = call.scope(app)?;
    let limit = limit(call)?;
    let filter = Filter {
        state: call.query.parse(Parameter::JobState)?,
        asset_id: call.query.parse(Parameter::OfAsset)?,
        before: call.query.parse(Parameter::JobCursor)?,
    };
    let database = app.db()?;
    let views = if filter.state == Some(JobState::AwaitingUpload) {
        let (asset, before) = (filter.asset_id, filter.before);
        let rows = db::assets::awaiting_upload(&database, &scope, asset, before, limit + 1).await?;
        let views = rows.iter().map(AssetRow::job_before_upload);
        views.collect::<Result<_>>()?
    } else {
        let rows = db::jobs::list(&database, &scope, &filter, limit + 1).await?;
        db::jobs::views(&database, &rows).await?
    };
    let (items, next_cursor) = page(views, limit, |job| job.id);
    json(Op::ListJobs, &JobPage { items, next_cursor })
}

/// `GET /v1/jobs/{id}`
pub(super) async fn get(app: &App, call: &Call) -> Result<Response> {
    let view = match own(app, call).await? {
        Found::Stored(row) => with_progress(app, &row).await?,
        Found::BeforeUpload(asset) => asset.job_before_upload()?,
    };
    json(Op::GetJob, &view)
}

/// A job with the latest progress of its running attempt.
async fn with_progress(app: &App, row: &JobRow) -> Result<JobView> {
    let mut view = db::jobs::view(&app.db()?, row).await?;
    if view.state == JobState::Running {
        match hub::progress(app, &row.subject()?.hub(), view.id, view.attempt).await {
            Ok(Some(progress)) => view.progress = progress,
            Ok(None) => {}
            // The job is answered without its progress.
            Err(error) => worker::console_warn!("progress not read: {error:?} job.id={}", view.id),
        }
    }
    Ok(view)
}

/// `POST /v1/jobs/{id}/cancel`
pub(super) async fn cancel(app: &App, call: &Call) -> Result<Response> {
    let mut found = own(app, call).await?;
    if let Found::BeforeUpload(asset) = &found {
        if end::cancel(app, asset).await? {
            let asset = db::assets::get_any(&app.db()?, asset.id()?).await?;
            let asset = asset.ok_or_else(Error::not_found)?;
            return json(Op::CancelJob, &asset.job_before_upload()?);
        }
        // The upload has failed, or it has just been confirmed.
        found = own(app, call).await?;
    }
    match found {
        Found::Stored(row) => change(app, &row, Op::CancelJob, &Change::Cancel).await,
        Found::BeforeUpload(_) => Err(Rejected::Ended.into()),
    }
}

/// `POST /v1/jobs/{id}/redrive`
pub(super) async fn redrive(app: &App, call: &Call) -> Result<Response> {
    match own(app, call).await? {
        Found::Stored(row) => change(app, &row, Op::RedriveJob, &Change::Redrive).await,
        Found::BeforeUpload(_) => Err(Error::problem(
            Rejected::NotRedrivable.code(),
            "The upload of this job was not confirmed, so there is no file to process.",
        )),
    }
}

async fn change(app: &App, row: &JobRow, op: Op, change: &Change) -> Result<Response> {
    sweeper::wake(&app.env).await;
    let applied = jobs::apply(app, row.id()?, change).await?;
    outbox::settle(app, applied.effects).await;
    let database = app.db()?;
    let row = db::jobs::get_any(&database, row.id()?)
        .await?
        .ok_or_else(Error::not_found)?;
    json(op, &db::jobs::view(&database, &row).await?)
}
