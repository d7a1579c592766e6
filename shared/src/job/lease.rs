//! Who holds a job: the hash of a lease token, and the proof that a worker sends with each verb.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a lease token, base64url. The database holds only this; the token is the worker's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHash(String);

impl LeaseHash {
    /// Hash of a lease token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes())))
    }

    /// The hash as the database stored it.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// Text for the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Proof of holding the current attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Attempt that the speaker claimed.
    pub attempt: u32,
    /// Hash of the lease token that the claim handed out.
    pub lease: LeaseHash,
}
