//! Health: `healthz` says that the process answers, `readyz` that what it needs answers, too.

use futures_util::future::try_join3;
use shared::api::{Health, Op, VersionInfo};
use shared::problem::ErrorCode;
use worker::Response;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::call::json;

fn ok() -> Health {
    Health {
        state: "ok".to_owned(),
    }
}

/// `GET /healthz`
pub(crate) fn healthz() -> Result<Response> {
    json(Op::Healthz, &ok())
}

/// `GET /readyz`
pub(crate) async fn readyz(app: &App) -> Result<Response> {
    let database = async {
        Ok::<_, Error>(
            app.db()?
                .prepare("SELECT COUNT(*) FROM outbox_messages")
                .first::<serde::de::IgnoredAny>(None)
                .await?,
        )
    };
    let raw = async { Ok(app.raw()?.head("readyz").await?) };
    let public = async { Ok(app.public()?.head("readyz").await?) };
    match try_join3(database, raw, public).await {
        Ok(_) => json(Op::Readyz, &ok()),
        Err(error) => {
            worker::console_error!("not ready: {error:?}");
            Err(Error::problem(
                ErrorCode::Unavailable,
                "The database or a bucket does not answer; the log says which.",
            ))
        }
    }
}

/// `GET /version`
pub(crate) fn version(app: &App) -> Result<Response> {
    json(
        Op::Version,
        &VersionInfo {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            nonce: app.config.nonce.clone(),
        },
    )
}
