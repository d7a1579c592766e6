//! Presigned S3 requests: AWS Signature Version 4 in the query, with `rusty-s3`. Signing makes no network call.

use std::time::Duration;

use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use url::Url;

use crate::time::Timestamp;

/// How long a signed PUT is valid, in seconds: 15 minutes.
pub const UPLOAD_URL_TTL_S: u64 = 900;

/// How long a signed GET or HEAD of an original is valid, in seconds: 1 hour.
pub const ORIGINAL_URL_TTL_S: u64 = 3_600;

/// A bucket and the credentials to sign for it.
#[derive(Debug, Clone)]
pub struct Signer {
    bucket: Bucket,
    credentials: Credentials,
}

/// The endpoint or the bucket name does not form a valid URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("S3 endpoint or bucket name is invalid")]
pub struct SignerInvalid;

/// Values that a signed PUT is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutTerms<'put> {
    /// Object key.
    pub key: &'put str,
    /// Exact media type.
    pub content_type: &'put str,
    /// Exact size in bytes.
    pub size_bytes: u64,
}

impl Signer {
    /// Creates a signer for `bucket` at `endpoint`, with path-style URLs and region `auto`, as R2 expects.
    ///
    /// # Errors
    ///
    /// [`SignerInvalid`] if `endpoint` is not a URL or `bucket` is not a valid path segment.
    pub fn new(
        endpoint: &str,
        bucket: &str,
        access_key_id: &str,
        secret_access_key: &str,
    ) -> Result<Self, SignerInvalid> {
        // Trap: without the trailing slash, the bucket name would replace the last segment of the endpoint's path.
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

    /// Signs a PUT. The URL accepts exactly this size and media type, and only if no object exists under the key: the
    /// headers
    /// `content-length`, `content-type` and `if-none-match: *` are part of the signature.
    ///
    /// ```
    /// use shared::sign::s3::{PutTerms, Signer};
    /// use shared::time::Timestamp;
    ///
    /// let signer = Signer::new("https://account.r2.cloudflarestorage.com", "raw", "key id", "secret")?;
    /// let terms = PutTerms {
    ///     key: "originals/ast_01ARYZ6S41000000000000007Z",
    ///     content_type: "image/jpeg",
    ///     size_bytes: 2_000_000,
    /// };
    /// let url = signer.put(terms, Timestamp::from_ms(1_767_225_600_000), 900);
    ///
    /// assert_eq!(url.path(), "/raw/originals/ast_01ARYZ6S41000000000000007Z");
    /// let query: std::collections::BTreeMap<_, _> = url.query_pairs().collect();
    /// assert_eq!(query["X-Amz-Date"], "20260101T000000Z");
    /// assert_eq!(query["X-Amz-Expires"], "900");
    /// assert_eq!(query["X-Amz-SignedHeaders"], "content-length;content-type;host;if-none-match");
    /// # Ok::<(), shared::sign::s3::SignerInvalid>(())
    /// ```
    #[must_use]
    pub fn put(&self, terms: PutTerms<'_>, now: Timestamp, ttl_s: u64) -> Url {
        let mut action = self.bucket.put_object(Some(&self.credentials), terms.key);
        let headers = action.headers_mut();
        headers.insert("content-length", terms.size_bytes.to_string());
        headers.insert("content-type", terms.content_type.to_owned());
        headers.insert("if-none-match", "*");
        action.sign_with_time(Duration::from_secs(ttl_s), &now.to_jiff())
    }

    /// Signs a GET. `disposition` becomes the `Content-Disposition` of the response.
    #[must_use]
    pub fn get(&self, key: &str, disposition: &str, now: Timestamp, ttl_s: u64) -> Url {
        let mut action = self.bucket.get_object(Some(&self.credentials), key);
        action
            .query_mut()
            .insert("response-content-disposition", disposition.to_owned());
        action.sign_with_time(Duration::from_secs(ttl_s), &now.to_jiff())
    }

    /// Signs a HEAD, which a signed GET does not permit: the method is part of the signature. `disposition` is as in [`Self::get`].
    #[must_use]
    pub fn head(&self, key: &str, disposition: &str, now: Timestamp, ttl_s: u64) -> Url {
        let mut action = self.bucket.head_object(Some(&self.credentials), key);
        action
            .query_mut()
            .insert("response-content-disposition", disposition.to_owned());
        action.sign_with_time(Duration::from_secs(ttl_s), &now.to_jiff())
    }
}
