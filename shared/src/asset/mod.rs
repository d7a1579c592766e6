//! Assets: uploaded or generated files and their outputs.

pub mod container;
mod content_type;
pub mod limit;
pub mod media;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::{AssetId, JobId};
use crate::kind::AssetKind;
use crate::problem::{ErrorCode, Failure};
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// State of an asset.
    AssetState {
        /// The upload URL is signed; the file is not verified yet. Next: `processing` when the upload is confirmed, or
        /// `failed` if the file does not match its declaration or the upload expires.
        AwaitingUpload = "awaiting_upload",
        /// The job is queued or running. Next: `ready` or `failed`, when the job ends.
        Processing = "processing",
        /// All outputs are published. Final.
        Ready = "ready",
        /// `error` says why. Next: `processing`, if the job is redriven.
        Failed = "failed",
    }
}

words! {
    /// Who may read the outputs.
    Visibility {
        /// Anyone who has the (unguessable) URL of an output.
        Public = "public",
        /// Callers of the same tenant with a token, and anyone with a path token.
        Private = "private",
    }
}

words! {
    /// Where an asset came from.
    Origin {
        /// A client uploaded it.
        Upload = "upload",
        /// A model generated it.
        Generated = "generated",
    }
}

/// Owner that an asset is listed under: a user, or a label such as an event or a course. It grants no access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Type of the owner, for example `user` or `course`; 1–64 bytes.
    #[serde(rename = "type")]
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 64, pattern = "^[^\\u0000]+$")
    )]
    pub owner_type: String,
    /// Id of the owner within its type; 1–256 bytes.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 256, pattern = "^[^\\u0000]+$")
    )]
    pub id: String,
}

/// Largest `metadata`, in bytes of JSON: a D1 row holds 2 MB, and lists carry the metadata of 200 assets.
pub const METADATA_MAX_BYTES: usize = 8_192;

/// Longest type of an owner, in bytes.
pub const OWNER_TYPE_MAX_BYTES: usize = 64;

/// Longest id of an owner, in bytes.
pub const OWNER_ID_MAX_BYTES: usize = 256;

/// Checks an owner label.
///
/// # Errors
///
/// `metadata_invalid` if the type or the id is empty, too long, or contains NUL.
pub fn check_owner(owner: &Owner) -> Result<(), Failure> {
    let fits =
        |text: &str, max: usize| !text.is_empty() && text.len() <= max && !text.contains('\0');
    if fits(&owner.owner_type, OWNER_TYPE_MAX_BYTES) && fits(&owner.id, OWNER_ID_MAX_BYTES) {
        Ok(())
    } else {
        Err(Failure::new(
            ErrorCode::MetadataInvalid,
            format!(
                "owner.type must have 1–{OWNER_TYPE_MAX_BYTES} bytes and owner.id 1–{OWNER_ID_MAX_BYTES} bytes, without NUL."
            ),
        ))
    }
}

/// Checks the size of client metadata.
///
/// # Errors
///
/// `metadata_invalid` if the metadata exceeds [`METADATA_MAX_BYTES`].
pub fn check_metadata(metadata: &Map<String, Value>) -> Result<(), Failure> {
    let size = serde_json::to_string(metadata).map_or(usize::MAX, |text| text.len());
    if size <= METADATA_MAX_BYTES {
        Ok(())
    } else {
        Err(Failure::new(
            ErrorCode::MetadataInvalid,
            format!("metadata has {size} bytes of JSON; the limit is {METADATA_MAX_BYTES} bytes."),
        ))
    }
}

/// A file made from an asset's original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Output {
    /// Name, unique within the asset: `thumbnail`, `medium`, `large`, `preview`, …
    pub name: String,
    /// Absolute URL, ready to use.
    pub url: String,
    /// When `url` expires; `null` for a public asset, whose URLs do not expire.
    pub expires_at: Option<Timestamp>,
    /// Media type.
    pub content_type: String,
    /// Width in pixels; `null` for audio.
    pub width: Option<u32>,
    /// Height in pixels; `null` for audio.
    pub height: Option<u32>,
    /// Size of the file in bytes.
    pub size_bytes: u64,
}

/// An asset, as clients see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Asset {
    /// Id.
    pub id: AssetId,
    /// Id of the job that processes it. The job can be read at any time; it starts when the upload is confirmed.
    pub job_id: JobId,
    /// Kind of media.
    pub kind: AssetKind,
    /// State.
    pub state: AssetState,
    /// Who may read the outputs.
    pub visibility: Visibility,
    /// File name given by the client; metadata only.
    pub filename: String,
    /// Media type, as declared; the upload is verified against it.
    pub content_type: String,
    /// Size of the original in bytes.
    pub size_bytes: u64,
    /// SHA-256 of the original in lowercase hex; `null` if not declared.
    pub sha256: Option<String>,
    /// Displayed width in pixels; `null` for audio and until known.
    pub width: Option<u32>,
    /// Displayed height in pixels; `null` for audio and until known.
    pub height: Option<u32>,
    /// Duration in milliseconds; `null` for images and until known.
    pub duration_ms: Option<u64>,
    /// Thumbhash in base64; `null` for audio and until known.
    pub placeholder: Option<String>,
    /// Owner that it is listed under.
    pub owner: Owner,
    /// Custom metadata of the client.
    pub metadata: Map<String, Value>,
    /// Where it came from.
    pub origin: Origin,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its outputs were published; `null` until then.
    pub ready_at: Option<Timestamp>,
    /// Outputs; empty until the asset is ready.
    pub outputs: Vec<Output>,
    /// Why it failed; `null` unless it failed.
    pub error: Option<Failure>,
}
