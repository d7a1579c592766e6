//! Bodies of the operations on assets and their uploads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

#[cfg(feature = "openapi")]
use crate::asset::media::MediaType;
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
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 1024, pattern = "^[^\\u0000]+$")
    )]
    pub filename: String,
    /// Media type of the file; an alias, any case and parameters are accepted as well.
    #[cfg_attr(feature = "openapi", schema(schema_with = content_type_schema))]
    pub content_type: String,
    /// Exact size of the file in bytes. `GetLimits` says how large a file of each kind may be; one PUT uploads at most 5 GiB less
    /// 5 MiB.
    #[serde(deserialize_with = "integer::as_written")]
    #[cfg_attr(feature = "openapi", schema(value_type = u64, minimum = 1, maximum = 5_363_466_240_usize))]
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
    /// User to act for, 1–128 bytes without control characters. The roles `service` and `admin` may name any user of their tenant,
    /// the role `user` only itself. If the query has `on_behalf_of` too, both must be the same.
    #[serde(default)]
    #[cfg_attr(
        feature = "openapi",
        schema(
            min_length = 1,
            max_length = 128,
            pattern = r"^[^\u0000-\u001F\u007F-\u009F]+$"
        )
    )]
    pub on_behalf_of: Option<String>,
}

/// The canonical types: what else is accepted cannot be listed.
#[cfg(feature = "openapi")]
fn content_type_schema() -> utoipa::openapi::Object {
    let types = MediaType::ALL.iter().map(|media_type| media_type.as_str());
    utoipa::openapi::ObjectBuilder::new()
        .schema_type(utoipa::openapi::Type::String)
        .description(Some(
            "Media type of the file; must match the file's content. Aliases (`image/jpg`), any case and parameters \
             (`video/webm;codecs=vp9,opus`) are accepted as well, up to 255 bytes: the upload URL is signed for the type as declared, \
             and the asset has the canonical type. `GetLimits` lists what this installation accepts.",
        ))
        .enum_values(Some(types))
        .build()
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
    /// Parts of a multipart upload. Every upload is a single PUT, so the list must be empty.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 0))]
    pub parts: Vec<Part>,
}

/// One part of a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Part number, starting at 1.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_000))]
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
