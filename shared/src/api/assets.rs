//! Bodies of the operations on assets and their uploads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use super::object;
use crate::asset::{Asset, Owner, Visibility};
use crate::id::JobId;
use crate::time::Timestamp;

/// Body of `CreateAsset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateAsset {
    /// The file's name: metadata only, 1–1 024 bytes without NUL.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 1024))]
    pub filename: String,
    /// The file's media type; its bytes must agree.
    pub content_type: String,
    /// The file's exact size.
    #[cfg_attr(feature = "openapi", schema(value_type = u64, minimum = 1))]
    pub size_bytes: Number,
    /// SHA-256 of the file in lowercase hex; verified when given.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,
    /// Who may read the outputs; `public` by default.
    #[serde(default)]
    pub visibility: Option<Visibility>,
    /// Whom to list it under; the user by default.
    #[serde(default, deserialize_with = "object::optional")]
    pub owner: Option<Owner>,
    /// The client's own data, at most 8 192 bytes of JSON.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// The user to act for; only for role `service` and `admin`.
    #[serde(default)]
    pub on_behalf_of: Option<String>,
}

/// Where and how to put the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Upload {
    /// One PUT with the whole file.
    Single {
        /// Always `PUT`.
        method: String,
        /// Signed for this size, type and method, and for one use.
        url: String,
        /// Headers that the client must set.
        headers: BTreeMap<String, String>,
        /// When the URL ends.
        expires_at: Timestamp,
    },
}

/// Answer of `CreateAsset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedAsset {
    /// The asset, in state `awaiting_upload`.
    pub asset: Asset,
    /// The job that `complete` will start.
    pub job_id: JobId,
    /// Where to put the file.
    pub upload: Upload,
}

/// Body of `CompleteAsset`; may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CompleteAsset {
    /// Parts of a multipart upload; empty for a single PUT.
    #[serde(default)]
    pub parts: Vec<Part>,
}

/// One part of a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Number, from 1.
    pub part_number: u32,
    /// `ETag` that the bucket answered, with or without quotes.
    pub etag: String,
}

/// Answer of `CompleteAsset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CompletedAsset {
    /// The asset.
    pub asset: Asset,
    /// The job that works on it.
    pub job_id: JobId,
}

/// Answer of `RenewUpload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewedUpload {
    /// Where to put the file.
    pub upload: Upload,
}

/// Answer of `ListAssets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssetPage {
    /// Assets, newest first.
    pub items: Vec<Asset>,
    /// `cursor` of the next page; `null` at the end.
    pub next_cursor: Option<String>,
}
