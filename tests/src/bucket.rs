//! Buckets, read and written through their S3 endpoint.

use std::time::Duration;

use rusty_s3::actions::ListObjectsV2;
use rusty_s3::{Bucket as S3, Credentials, S3Action as _, UrlStyle};

const SIGNED_FOR: Duration = Duration::from_mins(1);

/// One of the stack's buckets.
#[derive(Debug, Clone)]
pub struct Bucket {
    s3: S3,
    credentials: Credentials,
    http: reqwest::Client,
}

impl Bucket {
    pub(crate) fn new(origin: &str, name: &str) -> Self {
        let endpoint = format!("{origin}/cdn-cgi/local/r2/s3/");
        let endpoint = endpoint.parse().expect("the endpoint is a URL");
        let s3 = S3::new(endpoint, UrlStyle::Path, name.to_owned(), "auto");
        Self {
            s3: s3.expect("a bucket"),
            credentials: Credentials::new("local", "local-secret-not-for-production"),
            http: crate::client::http(),
        }
    }

    /// Stores an object, as a worker does.
    pub async fn put(&self, key: &str, bytes: Vec<u8>, content_type: &str, cache_control: &str) {
        let action = self.s3.put_object(Some(&self.credentials), key);
        let request = self
            .http
            .put(action.sign(SIGNED_FOR))
            .header("content-type", content_type)
            .header("cache-control", cache_control)
            .body(bytes);
        let response = request.send().await.expect("the bucket answers");
        assert!(response.status().is_success(), "{key}: {response:?}");
    }

    /// Keys that begin with `prefix`; the first thousand.
    pub async fn keys(&self, prefix: &str) -> Vec<String> {
        let mut action = ListObjectsV2::new(&self.s3, Some(&self.credentials));
        action.with_prefix(prefix.to_owned());
        let response = self.http.get(action.sign(SIGNED_FOR)).send().await;
        let response = response.expect("the bucket answers");
        let status = response.status();
        let text = response.text().await.expect("a list");
        assert!(status.is_success(), "{status} {text}");
        let list = ListObjectsV2::parse_response(&text).expect("a list");
        list.contents.into_iter().map(|object| object.key).collect()
    }
}
