//! Path tokens give access to the outputs of one private asset. They are part of the URL's path, so the relative URLs in a
//! playlist keep working.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::id::AssetId;
use crate::time::Timestamp;

/// How long a path token is valid unless a setting or a caller chooses otherwise, in seconds: 12 hours.
pub const PATH_TOKEN_TTL_S: u32 = 43_200;

/// Shortest life of a path token that can be chosen, in seconds.
pub const PATH_TOKEN_TTL_MIN_S: u32 = 60;

/// Longest life of a path token that can be chosen, in seconds: 7 days, as for a signed URL of S3.
pub const PATH_TOKEN_TTL_MAX_S: u32 = 604_800;

/// How long a path token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// At least this many seconds. The end is rounded up to a multiple of a twelfth of them, but at most of an hour, so that URLs stay
    /// the same (and cacheable) for a while.
    AtLeast(u32),
    /// Exactly this many seconds, from the start of the current second on.
    Exactly(u32),
}

impl Lifetime {
    /// The end of a life that begins `now`.
    ///
    /// ```
    /// use shared::sign::path_token::Lifetime;
    /// use shared::time::Timestamp;
    ///
    /// let now: Timestamp = "2026-01-01T12:10:30.5Z".parse()?;
    /// assert_eq!(Lifetime::AtLeast(43_200).end(now).to_string(), "2026-01-02T01:00:00.000Z");
    /// assert_eq!(Lifetime::Exactly(43_200).end(now).to_string(), "2026-01-02T00:10:30.000Z");
    /// # Ok::<(), shared::time::TimestampInvalid>(())
    /// ```
    #[must_use]
    pub fn end(self, now: Timestamp) -> Timestamp {
        let after = |ttl_s: u32| now.seconds() + u64::from(ttl_s);
        let seconds = match self {
            Self::AtLeast(ttl_s) => {
                let step = u64::from(ttl_s / 12).clamp(1, 3_600);
                after(ttl_s).div_ceil(step) * step
            }
            Self::Exactly(ttl_s) => after(ttl_s),
        };
        Timestamp::from_ms(seconds * 1_000)
    }
}

/// What a valid path token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathToken {
    /// The asset whose outputs it opens.
    pub asset: AssetId,
    /// When it expires.
    pub expires_at: Timestamp,
}

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

    /// Token for the outputs of `asset`, valid until the second of `expires_at`.
    #[must_use]
    pub fn sign(&self, asset: AssetId, expires_at: Timestamp) -> String {
        let expires = expires_at.seconds();
        let signed = format!("{asset}.{expires}");
        let mut mac = self.key.clone();
        mac.update(signed.as_bytes());
        format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
        )
    }

    /// What `token` says at `now`; `None` if it is invalid or has expired.
    #[must_use]
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<PathToken> {
        let (signed, signature) = token.rsplit_once('.')?;
        let mut mac = self.key.clone();
        mac.update(signed.as_bytes());
        mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?)
            .ok()?;
        let (asset, expires) = signed.split_once('.')?;
        let expires: u64 = expires.parse().ok()?;
        if now.seconds() >= expires {
            return None;
        }
        Some(PathToken {
            asset: asset.parse().ok()?,
            expires_at: Timestamp::from_ms(expires.saturating_mul(1_000)),
        })
    }
}
