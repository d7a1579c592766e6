//! Asset: a file that someone uploaded or generated, and what was made of it.

pub mod container;
pub mod media;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::AssetId;
use crate::kind::AssetKind;
use crate::problem::{ErrorCode, Failure};
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Where an asset stands.
    AssetState {
        /// Its URL is signed, its file is not verified. Leaves by `complete` (to `processing`, or to `failed` when the
        /// file is not what was declared) or by expiry (to `failed`).
        AwaitingUpload = "awaiting_upload",
        /// Its job is queued or running. Leaves with the job's end.
        Processing = "processing",
        /// All outputs are published. Leaves only by deletion.
        Ready = "ready",
        /// `error` says why. Leaves by redrive of its job or by deletion.
        Failed = "failed",
    }
}

words! {
    /// Who may read the outputs.
    Visibility {
        /// Anyone who has an output's (unguessable) URL.
        Public = "public",
        /// The owner's tenant by token, or whoever holds a path token.
        Private = "private",
    }
}

words! {
    /// How an asset came to be.
    Origin {
        /// Somebody uploaded it.
        Upload = "upload",
        /// A model made it.
        Generated = "generated",
    }
}

/// Whom an asset is listed under: a user, or a label such as an event or a course. Never a right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Type of the owner, for example `user` or `course`; 1–64 bytes.
    #[serde(rename = "type")]
    pub owner_type: String,
    /// Id of the owner within its type; 1–256 bytes.
    pub id: String,
}

/// Largest `metadata`, in bytes of JSON: a D1 row holds 2 MB, and lists carry the metadata of 200 assets.
pub const METADATA_MAX_BYTES: usize = 8_192;

/// Checks an owner label.
pub fn check_owner(owner: &Owner) -> Result<(), Failure> {
    let fits =
        |text: &str, max: usize| !text.is_empty() && text.len() <= max && !text.contains('\0');
    if fits(&owner.owner_type, 64) && fits(&owner.id, 256) {
        Ok(())
    } else {
        Err(Failure::new(
            ErrorCode::MetadataInvalid,
            "owner.type takes 1–64 bytes and owner.id 1–256 bytes, without NUL.",
        ))
    }
}

/// Checks the size of client metadata.
pub fn check_metadata(metadata: &Map<String, Value>) -> Result<(), Failure> {
    let size = serde_json::to_string(metadata).map_or(usize::MAX, |text| text.len());
    if size <= METADATA_MAX_BYTES {
        Ok(())
    } else {
        Err(Failure::new(
            ErrorCode::MetadataInvalid,
            format!("metadata is {size} bytes of JSON, the limit is {METADATA_MAX_BYTES}."),
        ))
    }
}

/// A file that was made of an asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Output {
    /// Name, unique within the asset: `thumbnail`, `medium`, `large`, `preview`, …
    pub name: String,
    /// Where to get it: absolute and ready to use.
    pub url: String,
    /// Media type.
    pub content_type: String,
    /// Width in pixels, `null` for sound.
    pub width: Option<u32>,
    /// Height in pixels, `null` for sound.
    pub height: Option<u32>,
    /// Size of the file.
    pub size_bytes: u64,
}

/// An asset, as clients see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Asset {
    /// Id.
    pub id: AssetId,
    /// What it is.
    pub kind: AssetKind,
    /// Where it stands.
    pub state: AssetState,
    /// Who may read the outputs.
    pub visibility: Visibility,
    /// The client's name of the file; metadata only.
    pub filename: String,
    /// Media type, as declared and verified.
    pub content_type: String,
    /// Size of the original.
    pub size_bytes: u64,
    /// SHA-256 of the original in lowercase hex, `null` when not declared.
    pub sha256: Option<String>,
    /// Width as displayed, in pixels; `null` until known.
    pub width: Option<u32>,
    /// Height as displayed, in pixels; `null` until known.
    pub height: Option<u32>,
    /// Duration; `null` for images and until known.
    pub duration_ms: Option<u64>,
    /// Thumbhash in base64; `null` until known.
    pub placeholder: Option<String>,
    /// Whom it is listed under.
    pub owner: Owner,
    /// The client's own data.
    pub metadata: Map<String, Value>,
    /// How it came to be.
    pub origin: Origin,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its outputs were published.
    pub ready_at: Option<Timestamp>,
    /// What was made of it; empty until ready.
    pub outputs: Vec<Output>,
    /// Why it failed.
    pub error: Option<Failure>,
}
