//! Rows of `assets`.

use serde::Deserialize;
use shared::asset::{Asset, AssetState, Owner, Visibility};
use shared::id::{AssetId, JobId};
use shared::job::{Facts, JobKind, JobView};
use shared::kind::AssetKind;
use shared::problem::Failure;
use shared::time::Timestamp;
use worker::{D1Database, D1PreparedStatement};

use super::guard::Guard;
use super::query::Query;
use super::{all, failure, first, int, int_or_null, statement, text, text_or_null, time, word};
use crate::error::{Error, Result};
use crate::hub::subject::Subject;
use crate::scope::Scope;
use crate::storage::output::{StoredOutput, Urls};

/// One row.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AssetRow {
    id: String,
    pub(crate) tenant: String,
    pub(crate) user_id: String,
    kind: String,
    state: String,
    visibility: String,
    origin: String,
    pub(crate) filename: String,
    pub(crate) content_type: String,
    declared_type: Option<String>,
    pub(crate) size_bytes: u64,
    pub(crate) sha256: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    duration_ms: Option<u64>,
    placeholder: Option<String>,
    owner_type: String,
    owner_id: String,
    metadata: String,
    job_id: String,
    outputs: String,
    error_code: Option<String>,
    error_detail: Option<String>,
    created_at: u64,
    ready_at: Option<u64>,
}

impl AssetRow {
    pub(crate) fn id(&self) -> Result<AssetId> {
        word(&self.id)
    }

    pub(crate) fn job_id(&self) -> Result<JobId> {
        word(&self.job_id)
    }

    pub(crate) fn state(&self) -> Result<AssetState> {
        word(&self.state)
    }

    /// Media type as the client declared it: with the header that its PUT must have. Assets from before it was stored were signed
    /// for their canonical type.
    pub(crate) fn declared_type(&self) -> &str {
        self.declared_type.as_deref().unwrap_or(&self.content_type)
    }

    pub(crate) fn kind(&self) -> Result<AssetKind> {
        word(&self.kind)
    }

    pub(crate) fn visibility(&self) -> Result<Visibility> {
        word(&self.visibility)
    }

    /// When it was created.
    pub(crate) fn created_at(&self) -> Timestamp {
        Timestamp::from_ms(self.created_at)
    }

    /// Its job, as clients see it before the upload is confirmed, and after the upload has failed.
    pub(crate) fn job_before_upload(&self) -> Result<JobView> {
        let kind = JobKind::of(self.kind()?)
            .ok_or_else(|| Error::internal("an asset of this kind has no job"))?;
        let asset = (self.id()?, self.created_at());
        Ok(JobView::before_upload(
            self.job_id()?,
            kind,
            asset,
            self.failure()?,
        ))
    }

    /// Why it failed.
    pub(crate) fn failure(&self) -> Result<Option<Failure>> {
        failure(self.error_code.as_deref(), self.error_detail.as_deref())
    }

    /// What events of this asset are about.
    pub(crate) fn subject(&self) -> Result<Subject> {
        Ok(Subject {
            tenant: self.tenant.clone(),
            user: self.user_id.clone(),
            asset_id: self.id()?,
            job_id: self.job_id()?,
        })
    }

    /// The asset as clients see it.
    pub(crate) fn view(&self, urls: &Urls<'_>) -> Result<Asset> {
        let id = self.id()?;
        let visibility = self.visibility()?;
        let stored: Vec<StoredOutput> = serde_json::from_str(&self.outputs)?;
        Ok(Asset {
            id,
            job_id: self.job_id()?,
            kind: self.kind()?,
            state: self.state()?,
            visibility,
            filename: self.filename.clone(),
            content_type: self.content_type.clone(),
            size_bytes: self.size_bytes,
            sha256: self.sha256.clone(),
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            placeholder: self.placeholder.clone(),
            owner: Owner {
                owner_type: self.owner_type.clone(),
                id: self.owner_id.clone(),
            },
            metadata: serde_json::from_str(&self.metadata)?,
            origin: word(&self.origin)?,
            created_at: self.created_at(),
            ready_at: self.ready_at.map(Timestamp::from_ms),
            outputs: urls.of_outputs(&stored, id, visibility),
            error: self.failure()?,
        })
    }
}

/// A new asset, from its view. It belongs to the acting user of `scope`.
pub(crate) fn insert(
    guard: &Guard<'_>,
    asset: &Asset,
    declared_type: &str,
    scope: &Scope,
) -> Result<D1PreparedStatement> {
    guard.statement(
        "INSERT INTO assets (id, tenant, user_id, kind, state, visibility, origin, filename, content_type, declared_type, size_bytes, sha256, \
         owner_type, owner_id, metadata, job_id, created_at) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?",
        &[
            text(&asset.id.to_string()),
            text(&scope.tenant),
            text(&scope.acting_user),
            text(asset.kind.as_str()),
            text(asset.state.as_str()),
            text(asset.visibility.as_str()),
            text(asset.origin.as_str()),
            text(&asset.filename),
            text(&asset.content_type),
            text(declared_type),
            int(asset.size_bytes),
            text_or_null(asset.sha256.as_deref()),
            text(&asset.owner.owner_type),
            text(&asset.owner.id),
            text(&serde_json::to_string(&asset.metadata)?),
            text(&asset.job_id.to_string()),
            time(asset.created_at),
        ],
    )
}

/// Moves an asset to `state`; `error` says why it failed.
pub(crate) fn set_state(
    guard: &Guard<'_>,
    id: AssetId,
    state: AssetState,
    error: Option<&Failure>,
) -> Result<D1PreparedStatement> {
    guard.statement(
        "UPDATE assets SET state = ?, error_code = ?, error_detail = ? WHERE id = ?",
        &[
            text(state.as_str()),
            text_or_null(error.map(|error| error.code.as_str())),
            text_or_null(error.map(|error| error.detail.as_str())),
            text(&id.to_string()),
        ],
    )
}

/// Makes an asset ready and its outputs visible.
pub(crate) fn publish(
    guard: &Guard<'_>,
    id: AssetId,
    outputs: &[StoredOutput],
    facts: &Facts,
    now: Timestamp,
) -> Result<D1PreparedStatement> {
    guard.statement(
        "UPDATE assets SET state = ?, outputs = ?, width = ?, height = ?, duration_ms = ?, placeholder = ?, ready_at = ?, \
         error_code = NULL, error_detail = NULL WHERE id = ?",
        &[
            text(AssetState::Ready.as_str()),
            text(&serde_json::to_string(outputs)?),
            int_or_null(facts.width.map(u64::from)),
            int_or_null(facts.height.map(u64::from)),
            int_or_null(facts.duration_ms),
            text_or_null(facts.placeholder.as_deref()),
            time(now),
            text(&id.to_string()),
        ],
    )
}

/// Deletes an asset and everything that belongs to it; the last statement deletes the asset itself.
pub(crate) fn delete(db: &D1Database, id: AssetId, job: JobId) -> Result<[D1PreparedStatement; 4]> {
    let by_job = |sql| statement(db, sql, &[text(&job.to_string())]);
    let id = text(&id.to_string());
    Ok([
        by_job("DELETE FROM outbox_messages WHERE job_id = ?")?,
        by_job("DELETE FROM attempts WHERE job_id = ?")?,
        by_job("DELETE FROM jobs WHERE id = ?")?,
        statement(db, "DELETE FROM assets WHERE id = ?", &[id])?,
    ])
}

/// The asset `id`, if `scope` covers it.
pub(crate) async fn get(db: &D1Database, id: AssetId, scope: &Scope) -> Result<Option<AssetRow>> {
    let row = get_any(db, id).await?;
    Ok(row.filter(|row| scope.covers(&row.tenant, &row.user_id)))
}

/// The asset `id`, whoever owns it: for jobs and for public assets.
pub(crate) async fn get_any(db: &D1Database, id: AssetId) -> Result<Option<AssetRow>> {
    first(
        db,
        "SELECT * FROM assets WHERE id = ?",
        &[text(&id.to_string())],
    )
    .await
}

/// The asset whose job has the id `job`, if `scope` covers it.
pub(crate) async fn of_job(db: &D1Database, job: JobId, scope: &Scope) -> Result<Option<AssetRow>> {
    let sql = "SELECT * FROM assets WHERE job_id = ?";
    let row: Option<AssetRow> = first(db, sql, &[text(&job.to_string())]).await?;
    Ok(row.filter(|row| scope.covers(&row.tenant, &row.user_id)))
}

/// Which assets a list shows.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) kind: Option<AssetKind>,
    pub(crate) state: Option<AssetState>,
    pub(crate) owner_type: Option<String>,
    pub(crate) owner_id: Option<String>,
    pub(crate) before: Option<AssetId>,
}

/// Assets that `scope` covers, newest first, at most `limit`.
pub(crate) async fn list(
    db: &D1Database,
    scope: &Scope,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<AssetRow>> {
    let mut query = Query::in_scope("assets", scope);
    query.and("kind = ?", filter.kind.map(AssetKind::as_str));
    query.and("state = ?", filter.state.map(AssetState::as_str));
    query.and("owner_type = ?", filter.owner_type.as_deref());
    query.and("owner_id = ?", filter.owner_id.as_deref());
    query.and_before("id", filter.before);
    query.newest_first("id", db, limit).await
}

/// Assets that wait for their upload and that `scope` covers, those with the newest jobs first, at most `limit`.
pub(crate) async fn awaiting_upload(
    db: &D1Database,
    scope: &Scope,
    id: Option<AssetId>,
    before: Option<JobId>,
    limit: u32,
) -> Result<Vec<AssetRow>> {
    let mut query = Query::in_scope("assets", scope);
    query.and("state = ?", Some(AssetState::AwaitingUpload.as_str()));
    query.and("id = ?", id.map(|id| id.to_string()).as_deref());
    query.and_before("job_id", before);
    query.newest_first("job_id", db, limit).await
}

/// Assets of one user that are neither ready nor failed, newest first, at most `limit`.
pub(crate) async fn open(
    db: &D1Database,
    tenant: &str,
    user: &str,
    limit: u32,
) -> Result<Vec<AssetRow>> {
    let mut query = Query::of_user("assets", tenant, user);
    query.and_fixed("state IN ('awaiting_upload', 'processing')");
    query.newest_first("id", db, limit).await
}

/// Assets created before `before` whose file has not been confirmed, oldest first, at most 100.
pub(crate) async fn expired_uploads(db: &D1Database, before: Timestamp) -> Result<Vec<AssetRow>> {
    all(
        db,
        "SELECT * FROM assets WHERE state = 'awaiting_upload' AND created_at < ? ORDER BY created_at LIMIT 100",
        &[time(before)],
    )
    .await
}
