//! The operations on an upload: confirm it, and renew its URL.

use shared::api::{CompleteAsset, CompletedAsset, Op, RenewedUpload};
use shared::asset::AssetState;
use shared::problem::ErrorCode;
use worker::Response;

use super::assets::own;
use crate::app::App;
use crate::db;
use crate::db::assets::AssetRow;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::storage::output::Urls;
use crate::upload::{sign, verify};

/// `POST /v1/assets/{id}/complete`. Idempotent: every call gets the same job, or the same refusal.
pub(super) async fn complete(app: &App, call: &Call) -> Result<Response> {
    let body: CompleteAsset = call.json_or_default()?;
    if !body.parts.is_empty() {
        return Err(Error::problem(
            ErrorCode::RequestInvalid,
            "parts must be empty: this upload is a single PUT.",
        ));
    }
    let row = own(app, call).await?;
    let row = if row.state()? == AssetState::AwaitingUpload {
        verify::verify(app, row).await?
    } else {
        row
    };
    check_refused(app, &row).await?;
    json(
        Op::CompleteAsset,
        &CompletedAsset {
            asset: row.view(&Urls::new(&app.config))?,
            job_id: row.job_id()?,
        },
    )
}

/// An asset that failed before it had a job was refused: the answer is that refusal.
async fn check_refused(app: &App, row: &AssetRow) -> Result<()> {
    let Some(failure) = row.failure()? else {
        return Ok(());
    };
    match db::jobs::get_any(&app.db()?, row.job_id()?).await? {
        Some(_) => Ok(()),
        None => Err(Error::Problem(failure)),
    }
}

/// `POST /v1/assets/{id}/upload`
pub(super) async fn renew(app: &App, call: &Call) -> Result<Response> {
    let row = own(app, call).await?;
    if row.state()? != AssetState::AwaitingUpload {
        return Err(Error::problem(
            ErrorCode::UploadClosed,
            "The upload of this asset has ended. To upload another file, create a new asset.",
        ));
    }
    let upload = sign::signed_put(&app.config, row.id()?, row.declared_type(), row.size_bytes);
    json(Op::RenewUpload, &RenewedUpload { upload })
}
