//! What a player needs: URLs of what is playable now, and the original.

use shared::api::{Op, Playback};
use shared::asset::{Asset, AssetState, Output, Visibility};
use shared::key;
use shared::kind::AssetKind;
use shared::problem::ErrorCode;
use shared::sign::disposition::{attachment, inline};
use shared::sign::s3::ORIGINAL_URL_TTL_S;
use worker::{Headers, Response};

use super::assets::urls;
use crate::app::App;
use crate::clock;
use crate::db;
use crate::db::assets::AssetRow;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::storage;
use crate::storage::output::Urls;

/// Whether players may get the original: that of a video or an audio asset whose file was verified. The original of an image
/// contains metadata, and the file of a failed asset may be anything.
///
/// # Errors
/// When the row cannot be read.
pub(super) fn shows_original(row: &AssetRow) -> Result<bool> {
    let is_played = match row.kind()? {
        AssetKind::Video | AssetKind::Audio => true,
        AssetKind::Image | AssetKind::Document | AssetKind::Package => false,
    };
    let is_there = match row.state()? {
        AssetState::Processing | AssetState::Ready => true,
        AssetState::AwaitingUpload | AssetState::Failed => false,
    };
    Ok(is_played && is_there)
}

/// The asset of the path, and whether the caller's token covers it.
async fn find(app: &App, call: &Call) -> Result<(AssetRow, bool)> {
    let scope = if call.has_authorization() {
        Some(call.scope(app)?)
    } else {
        None
    };
    let row = db::assets::get_any(&app.db()?, call.id()?).await?;
    let row = row.ok_or_else(|| call.not_found())?;
    let is_own = scope.is_some_and(|scope| scope.covers(&row.tenant, &row.user_id));
    Ok((row, is_own))
}

/// `GET /v1/assets/{id}/original`: for the owner, and for everyone who may play it.
pub(super) async fn original(app: &App, call: &Call) -> Result<Response> {
    let (row, is_own) = find(app, call).await?;
    let is_played = shows_original(&row)?;
    let is_public = row.visibility()? == Visibility::Public;
    let may_read = is_own || (is_public && is_played);
    if !may_read {
        return Err(call.not_found());
    }
    if row.state()? == AssetState::AwaitingUpload {
        return Err(Error::problem(
            ErrorCode::UploadMissing,
            "The file of this asset is not in the bucket yet.",
        ));
    }
    let key = key::original(row.id()?);
    // The file of a rejected or cancelled upload was removed; that of a failed job is still there.
    if row.state()? == AssetState::Failed && storage::raw(app)?.head(&key).await?.is_none() {
        return Err(Error::problem(
            ErrorCode::UploadMissing,
            "The file of this asset was removed, because its upload was rejected or cancelled.",
        ));
    }
    // The type was fixed by the signed PUT. Only what is played may be shown within a page.
    let disposition = if is_played {
        inline(&row.filename)
    } else {
        attachment(&row.filename)
    };
    let (now, raw) = (clock::now(), &app.config.raw);
    let url = if call.is_head {
        raw.head(&key, &disposition, now, ORIGINAL_URL_TTL_S)
    } else {
        raw.get(&key, &disposition, now, ORIGINAL_URL_TTL_S)
    };
    let headers = Headers::new();
    headers.set("location", url.as_str())?;
    headers.set("cache-control", "no-store")?;
    Ok(Response::empty()?
        .with_status(Op::GetOriginal.status())
        .with_headers(headers))
}

/// URL of the original for players.
fn original_url(app: &App, urls: &Urls<'_>, row: &AssetRow) -> Result<Option<String>> {
    if !shows_original(row)? {
        return Ok(None);
    }
    let id = row.id()?;
    Ok(Some(match row.visibility()? {
        Visibility::Public => format!("{}/v1/assets/{id}/original", app.config.public_url),
        Visibility::Private => urls.of_private_original(id),
    }))
}

/// The asset, with what its running attempt has made already.
async fn view(app: &App, urls: &Urls<'_>, row: &AssetRow) -> Result<Asset> {
    let mut asset = row.view(urls)?;
    if asset.state != AssetState::Processing || asset.kind == AssetKind::Image {
        return Ok(asset);
    }
    if let Some(early) = db::attempts::early(&app.db()?, row.job_id()?).await? {
        asset.outputs = urls.of_outputs(&early.outputs, asset.id, asset.visibility);
        asset.width = early.facts.width;
        asset.height = early.facts.height;
        asset.duration_ms = early.facts.duration_ms;
        asset.placeholder = early.facts.placeholder;
    }
    Ok(asset)
}

/// `GET /v1/assets/{id}/playback`: for everyone when the asset is public, otherwise for its owner.
pub(super) async fn playback(app: &App, call: &Call) -> Result<Response> {
    let urls = urls(app, call)?;
    let (row, is_own) = find(app, call).await?;
    if !is_own && row.visibility()? != Visibility::Public {
        return Err(call.not_found());
    }
    let asset = view(app, &urls, &row).await?;
    let url = |output: &Output| output.url.clone();
    let named = |name: &str| {
        let output = asset.outputs.iter().find(|output| output.name == name);
        output.map(url)
    };
    let poster_url = if asset.kind == AssetKind::Image {
        let largest = asset.outputs.iter().max_by_key(|output| output.width);
        largest.map(url)
    } else {
        named("poster")
    };
    let original_url = original_url(app, &urls, &row)?;
    let has_url = original_url.is_some() || !asset.outputs.is_empty();
    let playback = Playback {
        asset_id: asset.id,
        state: asset.state,
        hls_url: named("hls"),
        mp4_url: named("mp4").or_else(|| named("remux")),
        poster_url,
        storyboard_url: named("storyboard"),
        original_url,
        expires_at: urls.expire_at(asset.visibility).filter(|_| has_url),
        duration_ms: asset.duration_ms,
        width: asset.width,
        height: asset.height,
        placeholder: asset.placeholder,
        outputs: asset.outputs,
    };
    json(Op::GetPlayback, &playback)
}
