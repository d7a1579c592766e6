//! `complete`: the moment between upload and work. Looks at what arrived, then either starts the job or refuses the file,
//! each in one batch that only the first of several callers wins.

use futures_util::future::join;
use shared::api::{CompleteAsset, CompletedAsset, Op};
use shared::asset::AssetState;
use shared::asset::media::{MediaType, SNIFF_BYTES, describe};
use shared::event::EventType;
use shared::key;
use shared::kind::RunsOn;
use shared::message::Message;
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement, Range, Response};

use crate::app::App;
use crate::db::assets::AssetRow;
use crate::db::outbox::select_events;
use crate::db::{self, changes, statement, text, time};
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::jobs::{self, Effects, new_event};
use crate::outbox;
use crate::routes::assets;
use crate::{clock, hub, sweeper};

/// `POST /v1/assets/{id}/complete`. Idempotent: whoever calls again gets the same job, or the same refusal.
pub(crate) async fn complete(app: &App, call: &Call) -> Result<Response> {
    let body: CompleteAsset = call.json_or_default()?;
    if !body.parts.is_empty() {
        return Err(Error::problem(
            ErrorCode::RequestInvalid,
            "This upload is a single PUT; it has no parts.",
        ));
    }
    let row = assets::own(app, call).await?;
    let row = if row.state()? == AssetState::AwaitingUpload {
        verify(app, row).await?
    } else {
        row
    };
    refused(app, &row).await?;
    json(
        Op::CompleteAsset,
        &CompletedAsset {
            asset: row.view(&app.config)?,
            job_id: row.job_id()?,
        },
    )
}

/// An asset that failed before it had a job was refused: the answer is that refusal.
async fn refused(app: &App, row: &AssetRow) -> Result<()> {
    match row.failure()? {
        Some(failure)
            if db::jobs::get_any(&app.db()?, row.job_id()?)
                .await?
                .is_none() =>
        {
            Err(Error::Problem(failure))
        }
        Some(_) | None => Ok(()),
    }
}

/// Looks at the stored file and acts on it; answers the asset as it stands afterwards.
async fn verify(app: &App, row: AssetRow) -> Result<AssetRow> {
    let (found, ()) = join(inspect(app, &row), sweeper::wake(&app.env)).await;
    if let Err(failure) = found? {
        refuse(app, &row, &failure).await?;
    } else {
        accept(app, &row).await?;
    }
    db::assets::get_any(&app.db()?, row.id()?)
        .await?
        .ok_or_else(Error::not_found)
}

/// Compares what arrived with what was declared. The inner error is a refusal of the file.
async fn inspect(app: &App, row: &AssetRow) -> Result<Result<(), Failure>> {
    let range = Range::Prefix {
        length: SNIFF_BYTES,
    };
    let object = app
        .raw()?
        .get(key::original(row.id()?))
        .range(range)
        .execute()
        .await?;
    let Some(object) = object else {
        return Err(Error::problem(
            ErrorCode::UploadMissing,
            "No file has arrived at the signed URL. PUT it there with the given headers and the declared size, then call complete again.",
        ));
    };
    let mismatch = |code, detail: String| Ok(Err(Failure::new(code, detail)));
    if object.size() != row.size_bytes {
        let detail = format!(
            "The stored file has {} bytes, {} were declared. It was removed; create the asset again.",
            object.size(),
            row.size_bytes
        );
        return mismatch(ErrorCode::UploadSizeMismatch, detail);
    }
    let head = match object.body() {
        Some(body) => body.bytes().await?,
        None => Vec::new(),
    };
    let is_as_declared =
        MediaType::parse(&row.content_type).is_some_and(|declared| declared.holds(&head));
    if !is_as_declared {
        let detail = format!(
            "The file is declared as {}, its bytes say {}. It was removed; create the asset again with its real type.",
            row.content_type,
            describe(&head)
        );
        return mismatch(ErrorCode::UploadTypeMismatch, detail);
    }
    Ok(Ok(()))
}

/// Starts the job, unless another call already decided.
async fn accept(app: &App, row: &AssetRow) -> Result<()> {
    let database = app.db()?;
    let now = clock::now();
    let runs_on = MediaType::parse(&row.content_type).map_or(RunsOn::Edge, MediaType::runs_on);
    let mut batch = Vec::from(jobs::insert(&database, row, runs_on, now)?);
    batch.push(event(&database, row, EventType::UploadComplete, None, now)?);
    batch.push(leave_upload(&database, row, AssetState::Processing, None)?);
    if let Some(mut effects) = decide(&database, row, batch).await? {
        effects.message = Some((Message::new(row.job_id()?, runs_on), now));
        let background = app.clone();
        app.afterwards(async move { outbox::settle(&background, effects).await });
    }
    Ok(())
}

/// Refuses the file: the asset fails, the file goes, the user is told. Does nothing if another call already decided.
pub(crate) async fn refuse(app: &App, row: &AssetRow, failure: &Failure) -> Result<()> {
    let database = app.db()?;
    let now = clock::now();
    let original = key::original(row.id()?);
    let batch = vec![
        event(&database, row, EventType::UploadFailed, Some(failure), now)?,
        // Once more when the signed URL has ended: until then a file could be put there again.
        statement(
            &database,
            "INSERT OR REPLACE INTO tombstones (prefix, due_at) SELECT ?, ? FROM assets WHERE id = ? AND state = 'awaiting_upload'",
            &[
                text(&original),
                time(now.plus_ms(assets::URLS_ENDED_AFTER_MS)),
                text(&row.id()?.to_string()),
            ],
        )?,
        leave_upload(&database, row, AssetState::Failed, Some(failure))?,
    ];
    if let Some(effects) = decide(&database, row, batch).await? {
        app.raw()?.delete(original).await?;
        outbox::settle(app, effects).await;
    }
    Ok(())
}

/// Runs a decision; `None` when another call was first. The statement that leaves the upload state is the last of `batch`.
async fn decide(
    database: &D1Database,
    row: &AssetRow,
    mut batch: Vec<D1PreparedStatement>,
) -> Result<Option<Effects>> {
    let hub = hub::name(&row.tenant, &row.user_id);
    let decisive = batch.len() - 1;
    batch.push(select_events(database, &hub)?);
    let results = database.batch(batch).await?;
    let (Some(result), Some(events)) = (results.get(decisive), results.last()) else {
        return Err(Error::internal("the database answered too few results"));
    };
    if changes(result)? == 0 {
        return Ok(None);
    }
    Ok(Some(Effects {
        hub,
        events: events.results()?,
        ..Effects::default()
    }))
}

/// Moves the asset out of `awaiting_upload`: the write that only one call wins.
fn leave_upload(
    database: &D1Database,
    row: &AssetRow,
    to: AssetState,
    failure: Option<&Failure>,
) -> Result<D1PreparedStatement> {
    statement(
        database,
        "UPDATE assets SET state = ?, error_code = ?, error_detail = ? WHERE id = ? AND state = 'awaiting_upload'",
        &[
            text(to.as_str()),
            db::text_or_null(failure.map(|failure| failure.code.as_str())),
            db::text_or_null(failure.map(|failure| failure.detail.as_str())),
            text(&row.id()?.to_string()),
        ],
    )
}

/// An event of the upload, written only if this call decides.
fn event(
    database: &D1Database,
    row: &AssetRow,
    event_type: EventType,
    failure: Option<&Failure>,
    now: Timestamp,
) -> Result<D1PreparedStatement> {
    let mut event = new_event(event_type, row, now)?;
    event.error = failure.cloned();
    statement(
        database,
        "INSERT INTO outbox_events (hub, payload, created_at) SELECT ?, ?, ? FROM assets WHERE id = ? AND state = 'awaiting_upload'",
        &[
            text(&hub::name(&row.tenant, &row.user_id)),
            text(&serde_json::to_string(&event)?),
            time(now),
            text(&row.id()?.to_string()),
        ],
    )
}
