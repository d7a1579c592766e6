//! The sweep: everything that the clock alone makes due. It finds what crashed processes, lost messages and vanished
//! clients left behind.

use shared::message::Message;
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;

use crate::app::App;
use crate::clock;
use crate::db;
use crate::error::{Error, Result};
use crate::jobs::{self, Change};
use crate::outbox;
use crate::storage::removal;
use crate::upload::verify;

/// An upload that has not come after this time is given up: 24 hours, as URLs can be renewed until then.
pub(crate) const UPLOAD_MAX_MS: u64 = 86_400_000;

/// Does everything that is due, and says when something will next be. One failing item does not keep the others.
pub(crate) async fn run(app: &App) -> Result<Option<Timestamp>> {
    let db = app.db()?;
    let now = clock::now();
    for job in db::jobs::overdue(&db, now).await? {
        match jobs::apply(app, job, &Change::Expire).await {
            Ok(applied) => {
                worker::console_warn!(
                    "job overtaken by the clock job.id={job} outcome={:?}",
                    applied.outcome
                );
                outbox::settle(app, applied.effects).await;
            }
            // It ended or was renewed since it was listed.
            Err(Error::Problem(_)) => {}
            Err(error) => log(&error),
        }
    }
    for (job, runs_on) in db::outbox::due_messages(&db, now).await? {
        outbox::send(app, Message::new(job, runs_on), now)
            .await
            .unwrap_or_else(|error| log(&error));
    }
    for hub in db::outbox::late_hubs(&db, now).await? {
        outbox::tell_all(app, &hub)
            .await
            .unwrap_or_else(|error| log(&error));
    }
    for asset in db::assets::abandoned(&db, now.minus_ms(UPLOAD_MAX_MS)).await? {
        let failure = Failure::new(
            ErrorCode::UploadExpired,
            "No file arrived within 24 hours. Create the asset again.",
        );
        verify::refuse(app, &asset, &failure)
            .await
            .unwrap_or_else(|error| log(&error));
    }
    for prefix in db::outbox::due_tombstones(&db, now).await? {
        bury(app, &prefix, now)
            .await
            .unwrap_or_else(|error| log(&error));
    }
    db::outbox::next_due(&db, UPLOAD_MAX_MS).await
}

fn log(error: &Error) {
    worker::console_error!("sweep: {error:?}");
}

/// Removes every object under `prefix` from both buckets.
async fn bury(app: &App, prefix: &str, now: Timestamp) -> Result<()> {
    removal::remove_all(&app.raw()?, prefix).await?;
    removal::remove_all(&app.public()?, prefix).await?;
    db::outbox::forget_tombstone(&app.db()?, prefix, now).await
}
