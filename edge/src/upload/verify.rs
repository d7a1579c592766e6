//! Verification of an uploaded file. It either starts the job or refuses the file; each is one batch that only the first of
//! several concurrent calls wins.

use futures_util::future::join;
use shared::asset::AssetState;
use shared::asset::media::{MediaType, SNIFF_BYTES, describe};
use shared::event::EventType;
use shared::key;
use shared::kind::RunsOn;
use shared::message::Message;
use shared::problem::{ErrorCode, Failure};
use worker::Range;

use super::end;
use crate::app::App;
use crate::clock;
use crate::db;
use crate::db::assets::AssetRow;
use crate::db::guard::Guard;
use crate::error::{Error, Result};
use crate::jobs;
use crate::outbox::{self, Effects};
use crate::storage;
use crate::sweeper;

/// Verifies the stored file of an asset that awaits its upload and acts on the result. Returns the asset as it is then.
///
/// # Errors
/// `upload_missing` when no file is stored.
pub(crate) async fn verify(app: &App, row: AssetRow) -> Result<AssetRow> {
    let (found, ()) = join(inspect(app, &row), sweeper::wake(&app.env)).await;
    if let Err(failure) = found? {
        end::refuse(app, &row, &failure).await?;
    } else {
        accept(app, &row).await?;
    }
    db::assets::get_any(&app.db()?, row.id()?)
        .await?
        .ok_or_else(Error::not_found)
}

/// Compares the stored file with what was declared. The inner error refuses the file.
async fn inspect(app: &App, row: &AssetRow) -> Result<Result<(), Failure>> {
    let range = Range::Prefix {
        length: SNIFF_BYTES,
    };
    let object = storage::raw(app)?
        .get(key::original(row.id()?))
        .range(range)
        .execute()
        .await?;
    let Some(object) = object else {
        return Err(Error::problem(
            ErrorCode::UploadMissing,
            "The file is not in the bucket yet. PUT it to the signed URL with the given headers and the declared size, then call complete again.",
        ));
    };
    let mismatch = |code, detail: String| Ok(Err(Failure::new(code, detail)));
    if object.size() != row.size_bytes {
        let detail = format!(
            "The stored file has {} bytes, but {} were declared. It was removed; create the asset again.",
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
            "The file was declared as {}, but its content is {}. It was removed; create the asset again with its real type.",
            row.content_type,
            describe(&head)
        );
        return mismatch(ErrorCode::UploadTypeMismatch, detail);
    }
    Ok(Ok(()))
}

/// Starts the job, unless another call was first.
async fn accept(app: &App, row: &AssetRow) -> Result<()> {
    let database = app.db()?;
    let guard = Guard::awaiting_upload(&database, row.id()?);
    let now = clock::now();
    let runs_on = MediaType::parse(&row.content_type).map_or(RunsOn::Edge, MediaType::runs_on);
    let mut batch = Vec::from(jobs::insert::insert(&guard, row, runs_on, now)?);
    let subject = row.subject()?;
    let hub = subject.hub();
    let event = subject.event(EventType::UploadComplete, now);
    batch.extend([
        db::events::insert(&guard, &hub, &event)?,
        db::assets::set_state(&guard, row.id()?, AssetState::Processing, None)?,
    ]);
    let decisive = batch.len() - 1;
    if let Some(events) = db::events::commit(&database, batch, decisive, &hub).await? {
        let effects = Effects {
            hub,
            events,
            message: Some((Message::new(row.job_id()?, runs_on), now)),
            dispatched: None,
        };
        let background = app.clone();
        app.afterwards(async move { outbox::settle(&background, effects).await });
    }
    Ok(())
}
