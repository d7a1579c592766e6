//! URLs that carry their own permission: presigned S3 requests (by `rusty-s3`, no call, no clock) and path tokens for
//! private outputs.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use sha2::Sha256;
use url::Url;

use crate::id::AssetId;
use crate::time::Timestamp;

/// How long a signed PUT is valid: 15 minutes.
pub const UPLOAD_URL_TTL_S: u64 = 900;

/// How long a signed GET of an original is valid: 1 hour.
pub const ORIGINAL_URL_TTL_S: u64 = 3_600;

/// How long a path token of a private asset is valid: 12 hours.
pub const PATH_TOKEN_TTL_S: u64 = 43_200;

/// An S3 bucket and the key that signs for it.
#[derive(Debug, Clone)]
pub struct Signer {
    bucket: Bucket,
    credentials: Credentials,
}

/// The endpoint or the bucket's name makes no URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("S3 endpoint or bucket name is invalid")]
pub struct SignerInvalid;

/// What a signed PUT is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutTerms<'put> {
    /// Object key.
    pub key: &'put str,
    /// Exact media type.
    pub content_type: &'put str,
    /// Exact size.
    pub size_bytes: u64,
}

impl Signer {
    /// A signer for `bucket` at `endpoint` (path style, region `auto` as R2 takes it).
    pub fn new(
        endpoint: &str,
        bucket: &str,
        access_key_id: &str,
        secret_access_key: &str,
    ) -> Result<Self, SignerInvalid> {
        // Trap: without the last slash the bucket's name would replace the last segment of the endpoint's path.
        let endpoint = if endpoint.ends_with('/') {
            endpoint.to_owned()
        } else {
            format!("{endpoint}/")
        };
        let endpoint = Url::parse(&endpoint).map_err(|_| SignerInvalid)?;
        let bucket = Bucket::new(endpoint, UrlStyle::Path, bucket.to_owned(), "auto")
            .map_err(|_| SignerInvalid)?;
        Ok(Self {
            bucket,
            credentials: Credentials::new(access_key_id, secret_access_key),
        })
    }

    /// URL of one PUT: exact size, exact type, and only while nothing is stored under the key.
    #[must_use]
    pub fn put(&self, terms: PutTerms<'_>, now: Timestamp, ttl_s: u64) -> Url {
        let mut action = self.bucket.put_object(Some(&self.credentials), terms.key);
        let headers = action.headers_mut();
        headers.insert("content-length", terms.size_bytes.to_string());
        headers.insert("content-type", terms.content_type.to_owned());
        headers.insert("if-none-match", "*");
        action.sign_with_time(Duration::from_secs(ttl_s), &now.to_jiff())
    }

    /// URL of a GET; `disposition` becomes the answer's `Content-Disposition`.
    #[must_use]
    pub fn get(&self, key: &str, disposition: &str, now: Timestamp, ttl_s: u64) -> Url {
        let mut action = self.bucket.get_object(Some(&self.credentials), key);
        action
            .query_mut()
            .insert("response-content-disposition", disposition.to_owned());
        action.sign_with_time(Duration::from_secs(ttl_s), &now.to_jiff())
    }
}

/// All but RFC 8187's `attr-char`.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// `Content-Disposition: attachment` with a client's file name.
#[must_use]
pub fn attachment(filename: &str) -> String {
    disposition("attachment", filename)
}

/// `Content-Disposition: inline` with a client's file name: for what a player may show.
#[must_use]
pub fn inline(filename: &str) -> String {
    disposition("inline", filename)
}

/// A disposition as RFC 6266 §4.3 and RFC 8187 write it.
fn disposition(kind: &str, filename: &str) -> String {
    // A path in the name is the client's business; a download gets the last part of it.
    let mut parts = filename.rsplit(['/', '\\']);
    let name = parts.find(|part| !part.is_empty()).unwrap_or("file");
    let ascii: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded = utf8_percent_encode(name, NOT_ATTR_CHAR);
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

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
