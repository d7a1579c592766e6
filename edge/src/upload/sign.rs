//! The upload of a file by one signed PUT.

use std::collections::BTreeMap;

use shared::api::Upload;
use shared::id::AssetId;
use shared::key;
use shared::sign::s3::{PutTerms, UPLOAD_URL_TTL_S};

use crate::clock;
use crate::config::Config;

/// After this time every signed PUT of an asset has expired. What was stored after a removal is then removed again.
pub(crate) const URLS_EXPIRED_AFTER_MS: u64 = (UPLOAD_URL_TTL_S + 60) * 1_000;

/// Signs the PUT of an asset's file; type and size are part of the signature.
pub(crate) fn signed_put(
    config: &Config,
    id: AssetId,
    content_type: &str,
    size_bytes: u64,
) -> Upload {
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
