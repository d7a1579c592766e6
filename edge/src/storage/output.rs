//! Outputs as the database stores them, and their URLs.

use serde::{Deserialize, Serialize};
use shared::asset::{Output, Visibility};
use shared::id::AssetId;
use shared::key;
use shared::sign::path_token::Lifetime;
use shared::time::Timestamp;

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

/// Makes the URLs of files. Those of private files expire all at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Urls<'a> {
    config: &'a Config,
    expires_at: Timestamp,
}

impl<'a> Urls<'a> {
    /// URLs that are valid as long as the setting says.
    pub(crate) fn new(config: &'a Config) -> Self {
        Self::valid_for(config, Lifetime::AtLeast(config.private_url_ttl_s))
    }

    /// URLs that are valid for this time.
    pub(crate) fn valid_for(config: &'a Config, lifetime: Lifetime) -> Self {
        Self {
            config,
            expires_at: lifetime.end(clock::now()),
        }
    }

    /// When URLs of an asset with this visibility expire, if they do.
    pub(crate) const fn expire_at(&self, visibility: Visibility) -> Option<Timestamp> {
        match visibility {
            Visibility::Public => None,
            Visibility::Private => Some(self.expires_at),
        }
    }

    /// Outputs with URLs: those of a public asset contain the key, those of a private one a path token.
    pub(crate) fn of_outputs(
        &self,
        stored: &[StoredOutput],
        asset: AssetId,
        visibility: Visibility,
    ) -> Vec<Output> {
        let prefix = key::asset_outputs(asset);
        let base = match visibility {
            Visibility::Public => format!("{}/{prefix}", self.config.media_url),
            Visibility::Private => self.private_base(asset),
        };
        let url = |key: &str| format!("{base}{}", key.strip_prefix(&prefix).unwrap_or(key));
        stored
            .iter()
            .map(|output| Output {
                name: output.name.clone(),
                url: url(&output.key),
                expires_at: self.expire_at(visibility),
                content_type: output.content_type.clone(),
                width: output.width,
                height: output.height,
                size_bytes: output.size_bytes,
            })
            .collect()
    }

    /// URL of the original of a private asset, with a path token.
    pub(crate) fn of_private_original(&self, asset: AssetId) -> String {
        format!("{}{}", self.private_base(asset), key::ORIGINAL)
    }

    /// What the URLs of a private asset's files start with.
    fn private_base(&self, asset: AssetId) -> String {
        let token = self.config.path_tokens.sign(asset, self.expires_at);
        format!("{}/stream/{token}/", self.config.public_url)
    }
}
