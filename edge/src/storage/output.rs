//! Outputs as the database stores them, and their URLs.

use serde::{Deserialize, Serialize};
use shared::asset::{Output, Visibility};
use shared::id::AssetId;
use shared::key;
use shared::sign::path_token::PATH_TOKEN_TTL_S;

use crate::clock;
use crate::config::Config;

/// An output with its key in place of a URL.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StoredOutput {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) content_type: String,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) size_bytes: u64,
}

/// Outputs with URLs: those of a public asset contain the key, those of a private one a fresh path token.
pub(crate) fn with_urls(
    stored: &[StoredOutput],
    asset: AssetId,
    visibility: Visibility,
    config: &Config,
) -> Vec<Output> {
    let prefix = key::asset_outputs(asset);
    let base = match visibility {
        Visibility::Public => format!("{}/{prefix}", config.media_url),
        Visibility::Private => private_base(asset, config),
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

/// URL of the original of a private asset, with a fresh path token.
pub(crate) fn private_original_url(asset: AssetId, config: &Config) -> String {
    format!("{}{}", private_base(asset, config), key::ORIGINAL)
}

/// What the URLs of a private asset's files start with.
fn private_base(asset: AssetId, config: &Config) -> String {
    let token = config
        .path_tokens
        .sign(asset, clock::now(), PATH_TOKEN_TTL_S);
    format!("{}/stream/{token}/", config.public_url)
}
