//! Leases: the hash of a lease token, and the fence that proves possession of the current attempt.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a lease token, base64url without padding. The database stores only the hash; only the worker has the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHash(String);

impl LeaseHash {
    /// Hashes a lease token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes())))
    }

    /// A hash as read from the database.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The hash as stored in the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Proof of the current attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Number of the attempt that the worker claimed.
    pub attempt: u32,
    /// Hash of the lease token that the claim returned.
    pub lease: LeaseHash,
}
