//! [`Buckets`]: the S3 client, and a test that it can use both buckets.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Config, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::{Builder, tls};
use futures_util::future::join_all;
use shared::worker::BucketRole;

use super::fault::cause;
use crate::config::BucketsConfig;

/// Tries of one request. With the delays below they take about 8 s, longer than a bucket needs to restart.
const TRIES: u32 = 6;
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Timeout of one try of a request without a large body.
pub(crate) const TRY_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether the bucket has an object of this size. It verifies objects whose `ETag` is not an MD5.
pub(crate) async fn has_size(client: &Client, bucket: &str, key: &str, size: u64) -> bool {
    let head = client.head_object().bucket(bucket).key(key).send().await;
    head.is_ok_and(|head| {
        head.content_length()
            .is_some_and(|stored| u64::try_from(stored) == Ok(size))
    })
}

/// Both buckets, and the client for them.
#[derive(Debug, Clone)]
pub struct Buckets {
    pub(crate) client: Client,
    endpoint: String,
    raw: String,
    public: String,
}

impl Buckets {
    /// A client. It makes no connection yet.
    #[must_use]
    pub fn new(config: &BucketsConfig) -> Self {
        let credentials = Credentials::new(
            &config.access_key_id,
            config.secret_access_key.expose(),
            None,
            None,
            "settings",
        );
        let http = Builder::new()
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(TRY_TIMEOUT)
            .build();
        let retries = RetryConfig::standard()
            .with_max_attempts(TRIES)
            .with_initial_backoff(BACKOFF_FIRST)
            .with_max_backoff(BACKOFF_MAX);
        let settings = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .endpoint_url(&config.endpoint)
            .region(Region::new(config.region.clone()))
            .credentials_provider(credentials)
            .force_path_style(true)
            // Trap: by default the SDK adds CRC trailers to uploads, in an encoding that not every S3 supports. The `ETag` is
            // verified instead.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .http_client(http)
            .timeout_config(timeouts)
            .retry_config(retries)
            .build();
        Self {
            client: Client::from_conf(settings),
            endpoint: config.endpoint.clone(),
            raw: config.raw.clone(),
            public: config.public.clone(),
        }
    }

    pub(crate) fn name(&self, role: BucketRole) -> &str {
        match role {
            BucketRole::Raw => &self.raw,
            BucketRole::Public => &self.public,
        }
    }

    /// Writes, reads and deletes a small object in each bucket.
    ///
    /// # Errors
    ///
    /// If a request to one of them fails. The text names the bucket, the endpoint, the request and the cause.
    pub async fn test(&self, worker_id: &str) -> Result<(), String> {
        let key = probe_key(worker_id);
        let buckets = [&self.raw, &self.public];
        let tests = buckets.map(|bucket| self.test_bucket(bucket, &key));
        let faults: Vec<String> = buckets
            .iter()
            .zip(join_all(tests).await)
            .filter_map(|(bucket, result)| {
                let (step, why) = result.err()?;
                let at = &self.endpoint;
                Some(format!("bucket {bucket} at {at}: cannot {step}: {why}"))
            })
            .collect();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults.join("; "))
        }
    }

    async fn test_bucket(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<(), (&'static str, &'static str)> {
        let client = &self.client;
        let body = ByteStream::from_static(PROBE);
        let put = client.put_object().bucket(bucket).key(key).body(body);
        let stored = put
            .content_type("text/plain")
            .send()
            .await
            .map_err(|error| ("write an object", cause(&error)))?;
        // Trap: a wrong endpoint may answer 200 to every request. Only a bucket answers with an `ETag`.
        if stored.e_tag().is_none() {
            return Err((
                "write an object",
                "the endpoint answered without an ETag, so it is not a bucket",
            ));
        }
        let head = client.head_object().bucket(bucket).key(key).send().await;
        let head = head.map_err(|error| ("read the size of the object", cause(&error)))?;
        if head.content_length() != i64::try_from(PROBE.len()).ok() {
            return Err(("read the size of the object", "the size is wrong"));
        }
        let got = client.get_object().bucket(bucket).key(key).send().await;
        let got = got.map_err(|error| ("read the object", cause(&error)))?;
        let bytes = got.body.collect().await;
        if !bytes.is_ok_and(|bytes| bytes.to_vec() == PROBE) {
            return Err(("read the object", "the content is wrong"));
        }
        let deleted = client.delete_object().bucket(bucket).key(key).send().await;
        deleted
            .map(|_| ())
            .map_err(|error| ("delete the object", cause(&error)))
    }
}

const PROBE: &[u8] =
    b"A native worker tested whether it can use this bucket. This object may be deleted.\n";

/// Key of the test object. Each worker has its own, so that tests at the same time do not collide.
fn probe_key(worker_id: &str) -> String {
    let id: String = worker_id
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => c,
            _ => '_',
        })
        .collect();
    format!("worker-probe/{id}")
}
