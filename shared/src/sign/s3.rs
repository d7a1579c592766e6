//! Presigned S3 requests (AWS Signature Version 4 in the query, by `rusty-s3`): no call, no clock.

use std::time::Duration;

use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use url::Url;

use crate::time::Timestamp;

/// How long a signed PUT is valid: 15 minutes.
pub const UPLOAD_URL_TTL_S: u64 = 900;

/// How long a signed GET of an original is valid: 1 hour.
pub const ORIGINAL_URL_TTL_S: u64 = 3_600;

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
