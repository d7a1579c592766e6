//! The operations on assets: create, read, list, delete.

use futures_util::future::join;
use shared::api::{AssetPage, CreateAsset, CreatedAsset, Op, Parameter};
use shared::asset::media;
use shared::asset::{Asset, AssetState, Origin, Owner, Visibility, check_metadata, check_owner};
use shared::event::EventType;
use shared::id::{AssetId, JobId};
use shared::key;
use shared::problem::ErrorCode;
use shared::sign::path_token::Lifetime;
use shared::time::Timestamp;
use worker::Response;

use crate::app::App;
use crate::clock;
use crate::db;
use crate::db::assets::{AssetRow, Filter};
use crate::db::events::EventRow;
use crate::db::guard::Guard;
use crate::error::{Error, Result};
use crate::http::call::{Call, json};
use crate::http::page::{limit, page};
use crate::hub::subject::Subject;
use crate::jobs;
use crate::jobs::request::Change;
use crate::outbox::{self, Effects};
use crate::scope::Scope;
use crate::storage::output::Urls;
use crate::storage::removal;
use crate::sweeper;
use crate::upload::sign::{self, URLS_EXPIRED_AFTER_MS};

/// The asset of the path, if the caller may see it.
pub(super) async fn own(app: &App, call: &Call) -> Result<AssetRow> {
    let scope = call.scope(app)?;
    db::assets::get(&app.db()?, call.id()?, &scope)
        .await?
        .ok_or_else(Error::not_found)
}

/// The URLs of an answer, valid as long as the caller asks by `expires_in`.
pub(super) fn urls<'a>(app: &'a App, call: &Call) -> Result<Urls<'a>> {
    Ok(match call.query.parse(Parameter::ExpiresIn)? {
        Some(ttl_s) => Urls::valid_for(&app.config, Lifetime::Exactly(ttl_s)),
        None => Urls::new(&app.config),
    })
}

/// `POST /v1/assets`
pub(super) async fn create(app: &App, call: &Call) -> Result<Response> {
    let body: CreateAsset = call.json()?;
    let named = body.on_behalf_of.as_deref();
    let in_query = call.query.get(Parameter::OnBehalfOf);
    if named.is_some() && in_query.is_some() && named != in_query {
        let detail = "on_behalf_of must name the same user in the body and in the query.";
        return Err(Error::problem(ErrorCode::RequestInvalid, detail));
    }
    let scope = Scope::of(&call.principal(app)?, named.or(in_query))?;
    let now = clock::now();
    let declared_type = body.content_type.clone();
    let asset = new_asset(app, body, &scope, now)?;
    let upload = sign::signed_put(&app.config, asset.id, &declared_type, asset.size_bytes);
    let subject = Subject {
        tenant: scope.tenant.clone(),
        user: scope.acting_user.clone(),
        asset_id: asset.id,
        job_id: asset.job_id,
    };
    let hub = subject.hub();
    let started = subject.event(EventType::UploadStarted, now);
    let database = app.db()?;
    let guard = Guard::none(&database);
    let batch = vec![
        db::assets::insert(&guard, &asset, &declared_type, &scope)?,
        db::events::insert(&guard, &hub, &started)?,
    ];
    let (results, ()) = join(database.batch(batch), sweeper::wake(&app.env)).await;
    if let Some(result) = results?.last() {
        let row = EventRow {
            id: db::events::inserted(result)?,
            payload: serde_json::to_string(&started)?,
        };
        outbox::events::publish_soon(app, hub, row);
    }
    json(
        Op::CreateAsset,
        &CreatedAsset {
            job_id: asset.job_id,
            asset,
            upload,
        },
    )
}

fn new_asset(app: &App, body: CreateAsset, scope: &Scope, now: Timestamp) -> Result<Asset> {
    media::check_filename(&body.filename)?;
    let media_type = media::check_content_type(&body.content_type, app.config.has_native_workers)?;
    let kind = media_type.kind();
    let max_bytes = app.config.size_limits.max_bytes(&scope.tenant, kind);
    let size_bytes = media::check_size(&body.size_bytes, kind, max_bytes)?;
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
        job_id: JobId::new(now, clock::random()),
        kind,
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

/// `GET /v1/assets/{id}`
pub(super) async fn get(app: &App, call: &Call) -> Result<Response> {
    let urls = urls(app, call)?;
    json(Op::GetAsset, &own(app, call).await?.view(&urls)?)
}

/// `GET /v1/assets`
pub(super) async fn list(app: &App, call: &Call) -> Result<Response> {
    let scope = call.scope(app)?;
    let (limit, urls) = (limit(call)?, urls(app, call)?);
    let filter = Filter {
        kind: call.query.parse(Parameter::Kind)?,
        state: call.query.parse(Parameter::AssetState)?,
        owner_type: call.query.parse(Parameter::OwnerType)?,
        owner_id: call.query.parse(Parameter::OwnerId)?,
        before: call.query.parse(Parameter::AssetCursor)?,
    };
    let rows = db::assets::list(&app.db()?, &scope, &filter, limit + 1).await?;
    let assets = rows
        .iter()
        .map(|row| row.view(&urls))
        .collect::<Result<Vec<_>>>()?;
    let (items, next_cursor) = page(assets, limit, |asset| asset.id);
    json(Op::ListAssets, &AssetPage { items, next_cursor })
}

/// `DELETE /v1/assets/{id}`
pub(super) async fn delete(app: &App, call: &Call) -> Result<Response> {
    let row = own(app, call).await?;
    sweeper::wake(&app.env).await;
    match jobs::apply(app, row.job_id()?, &Change::Cancel).await {
        Ok(applied) => outbox::settle(app, applied.effects).await,
        // The job has ended, or was never created.
        Err(Error::Problem(_)) => {}
        Err(error) => return Err(error),
    }
    let effects = erase(app, &row).await?;
    let (background, id) = (app.clone(), row.id()?);
    app.afterwards(async move {
        outbox::settle(&background, effects).await;
        if let Err(error) = removal::remove_asset(&background, id).await {
            worker::console_warn!(
                "objects not removed: {error:?}; the sweeper will remove them asset.id={id}"
            );
        }
    });
    Ok(Response::empty()?.with_status(Op::DeleteAsset.status()))
}

/// Deletes the rows of an asset, has its objects removed and notifies its user.
async fn erase(app: &App, row: &AssetRow) -> Result<Effects> {
    let database = app.db()?;
    let now = clock::now();
    let (id, subject) = (row.id()?, row.subject()?);
    let hub = subject.hub();
    let event = subject.event(EventType::AssetDeleted, now);
    let due = now.plus_ms(URLS_EXPIRED_AFTER_MS);
    let (exists, always) = (Guard::asset_exists(&database, id), Guard::none(&database));
    let mut batch = vec![
        db::events::insert(&exists, &hub, &event)?,
        db::tombstones::insert(&always, &key::original(id), due)?,
        db::tombstones::insert(&always, &key::asset_outputs(id), due)?,
    ];
    batch.extend(db::assets::delete(&database, id, subject.job_id)?);
    let decisive = batch.len() - 1;
    let events = db::events::commit(&database, batch, decisive, &hub).await?;
    Ok(Effects {
        hub,
        events: events.unwrap_or_default(),
        ..Effects::default()
    })
}
