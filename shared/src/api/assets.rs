//! Bodies of the operations on assets and their uploads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::asset::{Asset, Owner, Visibility};
use crate::id::JobId;
use crate::json::integer;
use crate::time::Timestamp;

/// Body of `CreateAsset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateAsset {
    /// File name, 1–1 024 bytes of UTF-8 without NUL. It is metadata only and never part of a key or URL.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 1024))]
    pub filename: String,
    /// Media type of the file; must match the file's content.
    pub content_type: String,
    /// Exact size of the file in bytes.
    #[serde(deserialize_with = "integer::as_written")]
    #[cfg_attr(feature = "openapi", schema(value_type = u64, minimum = 1))]
    pub size_bytes: Number,
    /// SHA-256 of the file in lowercase hex; verified if present.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,
    /// Who may read the outputs; default `public`.
    #[serde(default)]
    pub visibility: Option<Visibility>,
    /// Owner to list the asset under; default: the user.
    #[serde(default)]
    pub owner: Option<Owner>,
    /// Custom metadata of the client, at most 8 192 bytes of JSON.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// User to act for; only with role `service` or `admin`.
    #[serde(default)]
    pub on_behalf_of: Option<String>,
}

/// How to upload the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Upload {
    /// A single PUT of the whole file.
    Single {
        /// Always `PUT`.
        method: String,
        /// Signed URL. It accepts only this method, size and media type, and only one upload.
        url: String,
        /// Headers that the client must send.
        headers: BTreeMap<String, String>,
        /// When the URL expires.
        expires_at: Timestamp,
    },
}

/// Answer of `CreateAsset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedAsset {
    /// The asset, in state `awaiting_upload`.
    pub asset: Asset,
    /// Id of the job that starts when the upload is confirmed.
    pub job_id: JobId,
    /// How to upload the file.
    pub upload: Upload,
}

/// Body of `CompleteAsset`; optional.
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
    /// Part number, starting at 1.
    pub part_number: u32,
    /// `ETag` that the bucket returned, with or without quotes.
    pub etag: String,
}

/// Answer of `CompleteAsset`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CompletedAsset {
    /// The asset.
    pub asset: Asset,
    /// Id of the job that processes it.
    pub job_id: JobId,
}

/// Answer of `RenewUpload`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewedUpload {
    /// How to upload the file.
    pub upload: Upload,
}

/// Answer of `ListAssets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssetPage {
    /// Assets, newest first.
    pub items: Vec<Asset>,
    /// `cursor` of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}
