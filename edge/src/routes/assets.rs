//! The asset routes: create, read, list, delete, and the URLs that belong to an asset.

use std::collections::BTreeMap;

use futures_util::future::join;
use serde_json::Number;
use shared::api::{
    AssetPage, CreateAsset, CreatedAsset, LIMIT_DEFAULT, LIMIT_MAX, Op, RenewedUpload, Upload,
};
use shared::asset::media;
use shared::asset::{Asset, AssetState, Origin, Owner, Visibility, check_metadata, check_owner};
use shared::event::{Event, EventType};
use shared::id::{AssetId, EventId, JobId};
use shared::key;
use shared::problem::ErrorCode;
use shared::sign::s3::{PutTerms, UPLOAD_URL_TTL_S};
use shared::time::Timestamp;
use worker::Response;

use crate::app::App;
use crate::config::Config;
use crate::db::assets::{AssetRow, Filter, insert};
use crate::db::outbox::{insert_tombstone, select_events};
use crate::db::{self, statement, text, time};
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::jobs::{self, Change, Effects, new_event};
use crate::outbox;
use crate::scope::Scope;
use crate::storage::removal;
use crate::{clock, hub, sweeper};

/// By then every signed PUT of an asset has ended; what was put there after the removal is removed once more.
pub(crate) const URLS_ENDED_AFTER_MS: u64 = (UPLOAD_URL_TTL_S + 60) * 1_000;

/// The asset `id` of the path, if it is the caller's.
pub(crate) async fn own(app: &App, call: &Call) -> Result<AssetRow> {
    let scope = call.scope(app)?;
    db::assets::get(&app.db()?, call.id()?, &scope)
        .await?
        .ok_or_else(Error::not_found)
}

/// `POST /v1/assets`
pub(crate) async fn create(app: &App, call: &Call) -> Result<Response> {
    let body: CreateAsset = call.json()?;
    let named = body.on_behalf_of.as_deref();
    if named.is_some_and(|user| {
        call.query("on_behalf_of")
            .is_some_and(|other| other != user)
    }) {
        let detail = "on_behalf_of names one user in the body and another in the query.";
        return Err(Error::problem(ErrorCode::RequestInvalid, detail));
    }
    let scope = Scope::of(&call.principal(app)?, named.or(call.query("on_behalf_of")))?;
    let now = clock::now();
    let asset = new_asset(app, body, &scope, now)?;
    let job_id = JobId::new(now, clock::random());
    let upload = upload(&app.config, asset.id, &asset.content_type, asset.size_bytes);
    let hub = hub::name(&scope.tenant, &scope.acting_user);
    let started = Event {
        seq: None,
        event_type: EventType::UploadStarted,
        event_id: EventId::new(now, clock::random()),
        time: now,
        tenant: scope.tenant.clone(),
        asset_id: asset.id,
        job_id,
        attempt: None,
        progress: None,
        result: None,
        error: None,
    };
    let database = app.db()?;
    let batch = vec![
        insert(&database, &asset, &scope, job_id)?,
        statement(
            &database,
            "INSERT INTO outbox_events (hub, payload, created_at) VALUES (?, ?, ?)",
            &[
                text(&hub),
                text(&serde_json::to_string(&started)?),
                time(now),
            ],
        )?,
    ];
    let (results, ()) = join(database.batch(batch), sweeper::wake(&app.env)).await;
    results?;
    outbox::tell_soon(app, hub);
    json(
        Op::CreateAsset,
        &CreatedAsset {
            asset,
            job_id,
            upload,
        },
    )
}

fn new_asset(app: &App, body: CreateAsset, scope: &Scope, now: Timestamp) -> Result<Asset> {
    media::check_filename(&body.filename)?;
    let media_type = media::check_content_type(&body.content_type, app.config.has_native_workers)?;
    let size_bytes = media::check_size(whole(&body.size_bytes)?, app.config.size_max_bytes)?;
    media::check_sha256(body.sha256.as_deref())?;
    let metadata = body.metadata.unwrap_or_default();
    check_metadata(&metadata)?;
    let owner = body.owner.unwrap_or_else(|| Owner {
        owner_type: "user".to_owned(),
        id: scope.acting_user.clone(),
    });
    check_owner(&owner)?;
    Ok(Asset {
        id: AssetId::new(now, clock::random()),
        kind: media_type.kind(),
        state: AssetState::AwaitingUpload,
        visibility: body.visibility.unwrap_or(Visibility::Public),
        filename: body.filename,
        content_type: media_type.as_str().to_owned(),
        size_bytes,
        sha256: body.sha256,
        width: None,
        height: None,
        duration_ms: None,
        placeholder: None,
        owner,
        metadata,
        origin: Origin::Upload,
        created_at: now,
        ready_at: None,
        outputs: Vec::new(),
        error: None,
    })
}

/// A JSON number as a whole one; what is beyond 64 bits is far beyond every limit.
fn whole(number: &Number) -> Result<i64> {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => Ok(whole),
        (None, Some(float)) if float >= 9.0e15 => Ok(i64::MAX),
        (None, _) => Err(Error::problem(
            ErrorCode::SizeInvalid,
            "size_bytes is no whole number; give the file's exact size in bytes.",
        )),
    }
}

fn upload(config: &Config, id: AssetId, content_type: &str, size_bytes: u64) -> Upload {
    let now = clock::now();
    let url = config.raw.put(
        PutTerms {
            key: &key::original(id),
            content_type,
            size_bytes,
        },
        now,
        UPLOAD_URL_TTL_S,
    );
    Upload::Single {
        method: "PUT".to_owned(),
        url: url.into(),
        headers: BTreeMap::from([
            ("content-type".to_owned(), content_type.to_owned()),
            ("if-none-match".to_owned(), "*".to_owned()),
        ]),
        expires_at: now.plus_ms(UPLOAD_URL_TTL_S * 1_000),
    }
}

/// `POST /v1/assets/{id}/upload`
pub(crate) async fn renew_upload(app: &App, call: &Call) -> Result<Response> {
    let row = own(app, call).await?;
    if row.state()? != AssetState::AwaitingUpload {
        return Err(Error::problem(
            ErrorCode::UploadClosed,
            "The upload of this asset has ended; create a new asset for another file.",
        ));
    }
    json(
        Op::RenewUpload,
        &RenewedUpload {
            upload: upload(&app.config, row.id()?, &row.content_type, row.size_bytes),
        },
    )
}

/// `GET /v1/assets/{id}`
pub(crate) async fn get(app: &App, call: &Call) -> Result<Response> {
    json(Op::GetAsset, &own(app, call).await?.view(&app.config)?)
}

/// How many items a list may have.
pub(crate) fn limit(call: &Call) -> Result<u32> {
    let limit = call
        .query("limit")
        .map_or(Some(LIMIT_DEFAULT), |text| text.parse().ok());
    limit
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or_else(|| {
            Error::problem(
                ErrorCode::QueryInvalid,
                format!("limit must be a whole number, 1–{LIMIT_MAX}."),
            )
        })
}

/// A list's cursor: the id of the last item seen.
pub(crate) fn cursor<T: std::str::FromStr>(call: &Call) -> Result<Option<T>> {
    let wrong = |_| {
        Error::problem(
            ErrorCode::CursorInvalid,
            "Pass next_cursor of the page before, unchanged.",
        )
    };
    call.query("cursor")
        .map(|text| text.parse().map_err(wrong))
        .transpose()
}

/// Cuts the item that was read beyond the page; its presence means that there is a next page.
pub(crate) fn page<T, I: ToString>(
    mut items: Vec<T>,
    limit: u32,
    id: impl Fn(&T) -> I,
) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more {
        items.last().map(|item| id(item).to_string())
    } else {
        None
    };
    (items, next)
}

/// `GET /v1/assets`
pub(crate) async fn list(app: &App, call: &Call) -> Result<Response> {
    let scope = call.scope(app)?;
    let limit = limit(call)?;
    let filter = Filter {
        kind: call.query_as("kind")?,
        state: call.query_as("state")?,
        owner_type: call.query("owner_type").map(str::to_owned),
        owner_id: call.query("owner_id").map(str::to_owned),
        before: cursor(call)?,
    };
    let rows = db::assets::list(&app.db()?, &scope, &filter, limit + 1).await?;
    let assets = rows
        .iter()
        .map(|row| row.view(&app.config))
        .collect::<Result<Vec<_>>>()?;
    let (items, next_cursor) = page(assets, limit, |asset| asset.id);
    json(Op::ListAssets, &AssetPage { items, next_cursor })
}

/// `DELETE /v1/assets/{id}`
pub(crate) async fn delete(app: &App, call: &Call) -> Result<Response> {
    let row = own(app, call).await?;
    sweeper::wake(&app.env).await;
    match jobs::apply(app, row.job_id()?, &Change::Cancel).await {
        Ok(applied) => outbox::settle(app, applied.effects).await,
        // Ended, or never begun.
        Err(Error::Problem(_)) => {}
        Err(error) => return Err(error),
    }
    let effects = erase(app, &row).await?;
    let (background, id) = (app.clone(), row.id()?);
    app.afterwards(async move {
        outbox::settle(&background, effects).await;
        if let Err(error) = remove_objects(&background, id).await {
            worker::console_warn!("objects of a deleted asset wait for the sweeper: {error:?}");
        }
    });
    Ok(Response::empty()?.with_status(Op::DeleteAsset.status()))
}

async fn erase(app: &App, row: &AssetRow) -> Result<Effects> {
    let database = app.db()?;
    let now = clock::now();
    let (id, job) = (row.id()?.to_string(), row.job_id()?.to_string());
    let hub = hub::name(&row.tenant, &row.user_id);
    let event = new_event(EventType::AssetDeleted, row, now)?;
    let due = now.plus_ms(URLS_ENDED_AFTER_MS);
    let batch = vec![
        statement(
            &database,
            "INSERT INTO outbox_events (hub, payload, created_at) SELECT ?, ?, ? FROM assets WHERE id = ?",
            &[
                text(&hub),
                text(&serde_json::to_string(&event)?),
                time(now),
                text(&id),
            ],
        )?,
        insert_tombstone(&database, &key::original(row.id()?), due)?,
        insert_tombstone(&database, &key::asset_outputs(row.id()?), due)?,
        statement(
            &database,
            "DELETE FROM outbox_messages WHERE job_id = ?",
            &[text(&job)],
        )?,
        statement(
            &database,
            "DELETE FROM attempts WHERE job_id = ?",
            &[text(&job)],
        )?,
        statement(&database, "DELETE FROM jobs WHERE id = ?", &[text(&job)])?,
        statement(&database, "DELETE FROM assets WHERE id = ?", &[text(&id)])?,
        select_events(&database, &hub)?,
    ];
    let results = database.batch(batch).await?;
    let events = results
        .last()
        .map(worker::D1Result::results)
        .transpose()?
        .unwrap_or_default();
    Ok(Effects {
        hub,
        events,
        ..Effects::default()
    })
}

async fn remove_objects(app: &App, id: AssetId) -> Result<()> {
    app.raw()?.delete(key::original(id)).await?;
    removal::remove_all(&app.raw()?, &key::asset_outputs(id)).await?;
    removal::remove_all(&app.public()?, &key::asset_outputs(id)).await
}
