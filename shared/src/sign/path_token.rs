//! Path tokens give access to the outputs of one private asset. They are part of the URL's path, so the relative URLs in a
//! playlist keep working.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::id::AssetId;
use crate::time::Timestamp;

/// How long a path token is valid, in seconds: 12 hours, rounded up to the next full hour.
pub const PATH_TOKEN_TTL_S: u64 = 43_200;

/// Signs and verifies path tokens. Format: `{asset}.{expiry in seconds}.{HMAC-SHA256, base64url}`.
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
    /// Path tokens with a key derived from `secret`. The derived key has no other use, so a path token's signature is never
    /// a JWT's.
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        let mut derive = Hmac::<Sha256>::new_from_slice(secret).ok()?;
        derive.update(b"ferrotype path token v1");
        let key = Hmac::<Sha256>::new_from_slice(&derive.finalize().into_bytes()).ok()?;
        Some(Self { key })
    }

    /// Token for the outputs of `asset`, valid for at least `ttl_s` seconds from `now`. The expiry is rounded up to the next
    /// full hour, so that URLs stay the same (and cacheable) for a while.
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

    /// The asset that `token` gives access to at `now`; `None` if the token is invalid or has expired.
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
