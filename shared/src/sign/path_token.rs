//! Path tokens: what opens the outputs of one private asset, as a part of a URL's path, so that a player's relative URLs keep
//! working.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::id::AssetId;
use crate::time::Timestamp;

/// How long a path token of a private asset is valid: 12 hours.
pub const PATH_TOKEN_TTL_S: u64 = 43_200;

/// Signs and checks path tokens: `{asset}.{expiry in s}.{HMAC-SHA256, base64url}`, bound to one asset.
#[derive(Clone)]
pub struct PathTokens {
    key: Hmac<Sha256>,
}

impl std::fmt::Debug for PathTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PathTokens").finish_non_exhaustive()
    }
}

impl PathTokens {
    /// Tokens keyed by `secret`. The key is derived for this one use, so that a path token is never a JWT signature.
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        let mut derive = Hmac::<Sha256>::new_from_slice(secret).ok()?;
        derive.update(b"ferrotype path token v1");
        let key = Hmac::<Sha256>::new_from_slice(&derive.finalize().into_bytes()).ok()?;
        Some(Self { key })
    }

    /// Token for the outputs of `asset` until `ttl_s` from `now`. Expiry is rounded up to the next hour, so that URLs stay
    /// the same (and cached) for a while.
    #[must_use]
    pub fn sign(&self, asset: AssetId, now: Timestamp, ttl_s: u64) -> String {
        let expires = (now.seconds() + ttl_s).div_ceil(3_600) * 3_600;
        let signed = format!("{asset}.{expires}");
        let mut mac = self.key.clone();
        mac.update(signed.as_bytes());
        format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        )
    }

    /// The asset that `token` opens at `now`; `None` for every token that is not ours or is over.
    #[must_use]
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<AssetId> {
        let (signed, signature) = token.rsplit_once('.')?;
        let mut mac = self.key.clone();
        mac.update(signed.as_bytes());
        mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?)
            .ok()?;
        let (asset, expires) = signed.split_once('.')?;
        let expires: u64 = expires.parse().ok()?;
        (now.seconds() < expires)
            .then(|| asset.parse().ok())
            .flatten()
    }
}
