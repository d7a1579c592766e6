//! The operations on health: `healthz` answers while the script runs, `readyz` only while the database and the buckets answer.

use futures_util::future::try_join3;
use shared::api::{Health, Op, VersionInfo};
use shared::problem::ErrorCode;
use worker::Response;

use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::http::call::json;
use crate::storage;

fn ok() -> Health {
    Health {
        state: "ok".to_owned(),
    }
}

/// `GET /healthz`
pub(super) fn healthz() -> Result<Response> {
    json(Op::Healthz, &ok())
}

/// `GET /readyz`
pub(super) async fn readyz(app: &App) -> Result<Response> {
    let database = async { db::ping(&app.db()?).await };
    let raw = async { Ok::<_, Error>(storage::raw(app)?.head("readyz").await?) };
    let public = async { Ok::<_, Error>(storage::public(app)?.head("readyz").await?) };
    match try_join3(database, raw, public).await {
        Ok(_) => json(Op::Readyz, &ok()),
        Err(error) => {
            worker::console_error!("not ready: {error:?}");
            Err(Error::problem(
                ErrorCode::Unavailable,
                "The database or a bucket does not answer. The log says which.",
            ))
        }
    }
}

/// `GET /version`
pub(super) fn version(app: &App) -> Result<Response> {
    json(
        Op::Version,
        &VersionInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            nonce: app.config.nonce.clone(),
        },
    )
}
