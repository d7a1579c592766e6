//! One sweep: everything that is due by the clock alone. It repairs what crashed processes, lost messages and vanished clients
//! left behind.

use shared::message::Message;
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;

use crate::app::App;
use crate::clock;
use crate::db;
use crate::error::{Error, Result};
use crate::jobs;
use crate::jobs::request::Change;
use crate::outbox;
use crate::storage::removal;
use crate::upload::end;

/// An upload that was not confirmed within 24 hours fails. Until then its URL can be renewed.
const UPLOAD_MAX_MS: u64 = 86_400_000;

/// Does everything that is due and returns when something is due next. An item that fails does not stop the others.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn run(app: &App) -> Result<Option<Timestamp>> {
    let db = app.db()?;
    let now = clock::now();
    for job in db::jobs::overdue(&db, now).await? {
        match jobs::apply(app, job, &Change::Expire).await {
            Ok(applied) => {
                worker::console_warn!(
                    "lease or deadline has passed job.id={job} outcome={:?}",
                    applied.outcome
                );
                outbox::settle(app, applied.effects).await;
            }
            // The job ended or its lease was renewed after it was listed.
            Err(Error::Problem(_)) => {}
            Err(error) => log(&error),
        }
    }
    for (job, runs_on) in db::messages::due(&db, now).await? {
        outbox::messages::send(app, Message::new(job, runs_on), now)
            .await
            .unwrap_or_else(|error| log(&error));
    }
    for hub in db::events::late_hubs(&db, now).await? {
        outbox::events::publish_all(app, &hub)
            .await
            .unwrap_or_else(|error| log(&error));
    }
    for asset in db::assets::expired_uploads(&db, now.minus_ms(UPLOAD_MAX_MS)).await? {
        let failure = Failure::new(
            ErrorCode::UploadExpired,
            "The upload was not confirmed within 24 hours. To upload the file, create a new asset.",
        );
        end::refuse(app, &asset, &failure)
            .await
            .unwrap_or_else(|error| log(&error));
    }
    for prefix in db::tombstones::due(&db, now).await? {
        remove(app, &prefix, now)
            .await
            .unwrap_or_else(|error| log(&error));
    }
    db::due::next(&db, UPLOAD_MAX_MS).await
}

fn log(error: &Error) {
    worker::console_error!("sweep: {error:?}");
}

/// Removes every object under the prefix of a tombstone, then the tombstone.
async fn remove(app: &App, prefix: &str, now: Timestamp) -> Result<()> {
    removal::remove_everywhere(app, prefix).await?;
    db::tombstones::delete(&app.db()?, prefix, now).await
}
