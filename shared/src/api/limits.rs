//! Body of the operation that announces the limits of uploads.

use serde::{Deserialize, Serialize};

use crate::asset::METADATA_MAX_BYTES;
use crate::asset::limit::SizeLimits;
use crate::asset::media::{FILENAME_MAX_BYTES, MediaType};
use crate::kind::AssetKind;

/// Answer of `GetLimits`: what the caller may upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadLimits {
    /// Limits of each kind of media.
    pub kinds: KindLimits,
    /// Files larger than this are uploaded in parts; `null`: every file is uploaded by a single PUT.
    pub multipart_threshold_bytes: Option<u64>,
    /// Size of each part but the last; `null`: there are no uploads in parts.
    pub part_size_bytes: Option<u64>,
    /// Largest number of assets that one request registers.
    pub batch_max: u32,
    /// Largest `filename`, in bytes of UTF-8.
    pub filename_max_bytes: u64,
    /// Largest `metadata`, in bytes of JSON.
    pub metadata_max_bytes: u64,
}

/// The limits of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KindLimits {
    /// Images.
    pub image: KindLimit,
    /// Videos.
    pub video: KindLimit,
    /// Audio.
    pub audio: KindLimit,
    /// Documents.
    pub document: KindLimit,
    /// Packages.
    pub package: KindLimit,
}

/// The limits of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct KindLimit {
    /// Media types that are accepted, by their canonical names; their aliases are accepted as well. Empty: nothing is accepted.
    pub types: Vec<String>,
    /// Largest file in bytes; 0 if no type is accepted.
    pub max_bytes: u64,
}

impl UploadLimits {
    /// The limits of `tenant`. Without native workers, only types that the edge processes are accepted.
    #[must_use]
    pub fn of(tenant: &str, sizes: &SizeLimits, has_native_workers: bool) -> Self {
        let of_kind = |kind| {
            let types: Vec<String> = MediaType::supported(has_native_workers)
                .filter(|media_type| media_type.kind() == kind)
                .map(|media_type| media_type.as_str().to_owned())
                .collect();
            let max_bytes = if types.is_empty() {
                0
            } else {
                sizes.max_bytes(tenant, kind)
            };
            KindLimit { types, max_bytes }
        };
        let bytes = |size| u64::try_from(size).unwrap_or(u64::MAX);
        Self {
            kinds: KindLimits {
                image: of_kind(AssetKind::Image),
                video: of_kind(AssetKind::Video),
                audio: of_kind(AssetKind::Audio),
                document: of_kind(AssetKind::Document),
                package: of_kind(AssetKind::Package),
            },
            multipart_threshold_bytes: None,
            part_size_bytes: None,
            batch_max: 1,
            filename_max_bytes: bytes(FILENAME_MAX_BYTES),
            metadata_max_bytes: bytes(METADATA_MAX_BYTES),
        }
    }
}
