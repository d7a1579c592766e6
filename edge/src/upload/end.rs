//! The end of an upload that leads to no job.

use shared::asset::AssetState;
use shared::event::EventType;
use shared::key;
use shared::problem::{ErrorCode, Failure};

use super::sign::URLS_EXPIRED_AFTER_MS;
use crate::app::App;
use crate::clock;
use crate::db;
use crate::db::assets::AssetRow;
use crate::db::guard::Guard;
use crate::error::Result;
use crate::outbox::{self, Effects};
use crate::storage;
use crate::sweeper;

/// Refuses the file of an asset, or ends the wait for it. Does nothing if the upload is over.
///
/// # Errors
/// When the database or the bucket fails.
pub(crate) async fn refuse(app: &App, row: &AssetRow, failure: &Failure) -> Result<()> {
    end(app, row, EventType::UploadFailed, failure)
        .await
        .map(|_| ())
}

/// Cancels the job of an asset that waits for its upload; false if the upload is over.
///
/// # Errors
/// When the database or the bucket fails.
pub(crate) async fn cancel(app: &App, row: &AssetRow) -> Result<bool> {
    sweeper::wake(&app.env).await;
    let failure = Failure::new(
        ErrorCode::JobCancelled,
        "The job was cancelled before its upload was confirmed. To upload the file, create a new asset.",
    );
    end(app, row, EventType::JobCancelled, &failure).await
}

/// Ends an upload: the asset fails, its file is removed and its user is notified by an event of this type. False if another call
/// was first.
async fn end(app: &App, row: &AssetRow, event_type: EventType, failure: &Failure) -> Result<bool> {
    let database = app.db()?;
    let guard = Guard::awaiting_upload(&database, row.id()?);
    let now = clock::now();
    let original = key::original(row.id()?);
    let subject = row.subject()?;
    let hub = subject.hub();
    let mut event = subject.event(event_type, now);
    event.error = Some(failure.clone());
    let batch = vec![
        db::events::insert(&guard, &hub, &event)?,
        // Until the signed URL expires, a file could be stored there again.
        db::tombstones::insert(&guard, &original, now.plus_ms(URLS_EXPIRED_AFTER_MS))?,
        db::assets::set_state(&guard, row.id()?, AssetState::Failed, Some(failure))?,
    ];
    let decisive = batch.len() - 1;
    let Some(events) = db::events::commit(&database, batch, decisive, &hub).await? else {
        return Ok(false);
    };
    if let Err(error) = storage::raw(app)?.delete(original).await {
        worker::console_warn!(
            "file not removed: {error}; the sweeper will remove it asset.id={}",
            row.id()?
        );
    }
    let effects = Effects {
        hub,
        events,
        ..Effects::default()
    };
    outbox::settle(app, effects).await;
    Ok(true)
}
