//! Rows of `assets`.

use serde::{Deserialize, Serialize};
use shared::asset::{Asset, AssetState, Output, Owner, Visibility};
use shared::id::{AssetId, JobId};
use shared::kind::AssetKind;
use shared::problem::Failure;
use shared::sign::path_token::PATH_TOKEN_TTL_S;
use shared::time::Timestamp;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement};

use super::{all, first, int, statement, text, text_or_null, time, word};
use crate::clock;
use crate::config::Config;
use crate::error::Result;
use crate::scope::Scope;

/// An output as the database keeps it: with its key instead of a URL.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredOutput {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) content_type: String,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) size_bytes: u64,
}

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

    pub(crate) fn kind(&self) -> Result<AssetKind> {
        word(&self.kind)
    }

    pub(crate) fn visibility(&self) -> Result<Visibility> {
        word(&self.visibility)
    }

    /// Why it failed.
    pub(crate) fn failure(&self) -> Result<Option<Failure>> {
        failure(self.error_code.as_deref(), self.error_detail.as_deref())
    }

    /// The asset as its client sees it, with URLs that work now.
    pub(crate) fn view(&self, config: &Config) -> Result<Asset> {
        let id = self.id()?;
        let visibility = self.visibility()?;
        let stored: Vec<StoredOutput> = serde_json::from_str(&self.outputs)?;
        Ok(Asset {
            id,
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
            created_at: Timestamp::from_ms(self.created_at),
            ready_at: self.ready_at.map(Timestamp::from_ms),
            outputs: outputs(&stored, id, visibility, config),
            error: self.failure()?,
        })
    }
}

/// Outputs with URLs: of a public asset by key, of a private one by path token.
pub(crate) fn outputs(
    stored: &[StoredOutput],
    asset: AssetId,
    visibility: Visibility,
    config: &Config,
) -> Vec<Output> {
    let prefix = shared::key::asset_outputs(asset);
    let base = match visibility {
        Visibility::Public => format!("{}/{prefix}", config.media_url),
        Visibility::Private => stream_url(asset, config),
    };
    let url = |key: &str| format!("{base}{}", key.strip_prefix(&prefix).unwrap_or(key));
    stored
        .iter()
        .map(|output| Output {
            name: output.name.clone(),
            url: url(&output.key),
            content_type: output.content_type.clone(),
            width: output.width,
            height: output.height,
            size_bytes: output.size_bytes,
        })
        .collect()
}

/// Base of the URLs of a private asset's files, with a fresh path token.
pub(crate) fn stream_url(asset: AssetId, config: &Config) -> String {
    let token = config
        .path_tokens
        .sign(asset, clock::now(), PATH_TOKEN_TTL_S);
    format!("{}/stream/{token}/", config.public_url)
}

/// A failure from its two columns.
pub(crate) fn failure(code: Option<&str>, detail: Option<&str>) -> Result<Option<Failure>> {
    code.map(|code| Ok(Failure::new(word(code)?, detail.unwrap_or_default())))
        .transpose()
}

/// A new asset: its view is the row, the rest is whose it is.
pub(crate) fn insert(
    db: &D1Database,
    asset: &Asset,
    scope: &Scope,
    job_id: JobId,
) -> Result<D1PreparedStatement> {
    statement(
        db,
        "INSERT INTO assets (id, tenant, user_id, kind, state, visibility, origin, filename, content_type, size_bytes, sha256, \
         owner_type, owner_id, metadata, job_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            int(asset.size_bytes),
            text_or_null(asset.sha256.as_deref()),
            text(&asset.owner.owner_type),
            text(&asset.owner.id),
            text(&serde_json::to_string(&asset.metadata)?),
            text(&job_id.to_string()),
            time(asset.created_at),
        ],
    )
}

/// The asset `id`, if it is in `scope`.
pub(crate) async fn get(db: &D1Database, id: AssetId, scope: &Scope) -> Result<Option<AssetRow>> {
    let row = get_any(db, id).await?;
    Ok(row.filter(|row| {
        row.tenant == scope.tenant && scope.user.as_ref().is_none_or(|user| *user == row.user_id)
    }))
}

/// The asset `id`, whosever it is; for work of our own and for what is public.
pub(crate) async fn get_any(db: &D1Database, id: AssetId) -> Result<Option<AssetRow>> {
    first(
        db,
        "SELECT * FROM assets WHERE id = ?",
        &[text(&id.to_string())],
    )
    .await
}

/// What a list shows.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) kind: Option<AssetKind>,
    pub(crate) state: Option<AssetState>,
    pub(crate) owner_type: Option<String>,
    pub(crate) owner_id: Option<String>,
    pub(crate) before: Option<AssetId>,
}

/// Assets in `scope`, newest first, at most `limit`.
pub(crate) async fn list(
    db: &D1Database,
    scope: &Scope,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<AssetRow>> {
    let mut query = Query::of("SELECT * FROM assets WHERE tenant = ?", text(&scope.tenant));
    query.and("user_id = ?", scope.user.as_deref());
    query.and("kind = ?", filter.kind.map(AssetKind::as_str));
    query.and("state = ?", filter.state.map(AssetState::as_str));
    query.and("owner_type = ?", filter.owner_type.as_deref());
    query.and("owner_id = ?", filter.owner_id.as_deref());
    query.and("id < ?", filter.before.map(|id| id.to_string()).as_deref());
    query.newest_first(db, limit).await
}

/// Assets of one user that are not final, newest first.
pub(crate) async fn open(
    db: &D1Database,
    tenant: &str,
    user: &str,
    limit: u32,
) -> Result<Vec<AssetRow>> {
    let mut query = Query::of("SELECT * FROM assets WHERE tenant = ?", text(tenant));
    query.and("user_id = ?", Some(user));
    query
        .sql
        .push_str(" AND state IN ('awaiting_upload', 'processing')");
    query.newest_first(db, limit).await
}

/// A `SELECT` that grows condition by condition.
pub(super) struct Query {
    pub(super) sql: String,
    parameters: Vec<JsValue>,
}

impl Query {
    pub(super) fn of(sql: &str, parameter: JsValue) -> Self {
        Self {
            sql: sql.to_owned(),
            parameters: vec![parameter],
        }
    }

    pub(super) fn and(&mut self, condition: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.sql.extend([" AND ", condition]);
            self.parameters.push(text(value));
        }
    }

    pub(super) async fn newest_first<T: serde::de::DeserializeOwned>(
        mut self,
        db: &D1Database,
        limit: u32,
    ) -> Result<Vec<T>> {
        self.sql.push_str(" ORDER BY id DESC LIMIT ?");
        self.parameters.push(int(u64::from(limit)));
        all(db, &self.sql, &self.parameters).await
    }
}

/// Uploads that began before `before` and never came, oldest first.
pub(crate) async fn abandoned(db: &D1Database, before: Timestamp) -> Result<Vec<AssetRow>> {
    all(
        db,
        "SELECT * FROM assets WHERE state = 'awaiting_upload' AND created_at < ? ORDER BY created_at LIMIT 100",
        &[time(before)],
    )
    .await
}
