//! [`Storage`]: the buckets, as one attempt may use them. It reads its original, and reads and writes below its own prefix.

pub mod buckets;
mod digest;
mod fault;
mod fetch;
mod growing;
mod transfer;
mod upload;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use md5::{Digest as _, Md5};
use shared::key::parse_output;
use shared::problem::ErrorCode;
use shared::worker::{ClaimedJob, Source};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::buckets::{Buckets, TRY_TIMEOUT, has_size};
use self::digest::{digest_file, is_md5};
use self::fault::{cause, failed, unreadable};
use self::fetch::Fetch;
pub use self::growing::Growing;
pub use self::transfer::Lifetime;
use self::transfer::{PUTS_MAX, RATE_MIN, READ_BYTES, patient};
use self::upload::{LARGE_BYTES, Upload};
use crate::backoff::Backoff;
use crate::ops::meters::METERS;
use crate::work_error::WorkError;

/// Tries to read back one file. The SDK repeats requests that fail, but not bodies that are cut off.
const READS_MAX: u32 = 5;

/// Access to the buckets for one attempt; see the module.
#[derive(Debug, Clone)]
pub struct Storage(Arc<Scope>);

#[derive(Debug)]
struct Scope {
    buckets: Buckets,
    source: Source,
    bucket: String,
    prefix: String,
    /// Files below the prefix that may have been stored.
    stored: Mutex<BTreeSet<String>>,
    /// Unfinished uploads in parts: their ids, by key.
    uploads: Mutex<BTreeMap<String, String>>,
}

/// The content of a file.
enum Body<'body> {
    File(&'body Path),
    Bytes(Vec<u8>),
}

impl Storage {
    /// Access for a claimed attempt.
    #[must_use]
    pub fn new(buckets: Buckets, claimed: &ClaimedJob) -> Self {
        Self(Arc::new(Scope {
            bucket: buckets.name(claimed.destination.bucket).to_owned(),
            prefix: claimed.destination.prefix.clone(),
            source: claimed.source.clone(),
            buckets,
            stored: Mutex::default(),
            uploads: Mutex::default(),
        }))
    }

    /// Fetches the original into a file and verifies its size and declared checksum. `on_bytes` is called with the number of
    /// fetched bytes.
    ///
    /// # Errors
    ///
    /// If the original is missing or not the declared file, if the bucket or the disk fails, or if `stop` is cancelled.
    pub async fn fetch_original(
        &self,
        to: &Path,
        stop: &CancellationToken,
        on_bytes: impl FnMut(u64) + Send,
    ) -> Result<(), WorkError> {
        let Scope {
            buckets, source, ..
        } = &*self.0;
        let fetch = Fetch {
            client: &buckets.client,
            bucket: buckets.name(source.bucket),
            source,
        };
        tokio::select! {
            fetched = fetch.run(to, on_bytes) => fetched,
            () = stop.cancelled() => Err(WorkError::stopped()),
        }
    }

    /// Stores a file below the prefix, verifies it (by its MD5, which is its `ETag`, or by its size) and returns its size.
    /// Repeats the request if the bucket fails.
    ///
    /// # Errors
    ///
    /// If the name is invalid, the file cannot be read, or the bucket keeps failing.
    pub async fn put_file(
        &self,
        file: &str,
        from: &Path,
        content_type: &str,
        lifetime: Lifetime,
    ) -> Result<u64, WorkError> {
        self.put(file, &Body::File(from), content_type, lifetime)
            .await
    }

    /// Stores a file that never changes and may be large. `on_bytes` is called with the number of stored bytes.
    ///
    /// # Errors
    ///
    /// As [`Storage::put_file`].
    pub async fn put_large_file(
        &self,
        file: &str,
        from: &Path,
        content_type: &str,
        on_bytes: impl FnMut(u64) + Send,
    ) -> Result<u64, WorkError> {
        let size = tokio::fs::metadata(from).await;
        let size = size.map_err(|why| unreadable(file, &why))?.len();
        if size <= LARGE_BYTES {
            let whole = self.put_file(file, from, content_type, Lifetime::Immutable);
            return whole.await;
        }
        let (upload, id) = self.begin_upload(file, from, content_type).await?;
        upload.run(&id, size, on_bytes).await?;
        Ok(self.end_upload(&upload.key, size))
    }

    /// Stores a file while it is being written, and returns its size.
    ///
    /// # Errors
    ///
    /// As [`Storage::put_file`].
    pub async fn put_growing_file(
        &self,
        file: &str,
        growing: &Growing<'_>,
        content_type: &str,
    ) -> Result<u64, WorkError> {
        let (upload, id) = self.begin_upload(file, growing.path, content_type).await?;
        let size = growing.store(&upload, &id).await?;
        Ok(self.end_upload(&upload.key, size))
    }

    /// Begins an upload in parts. Returns it and its id.
    async fn begin_upload<'upload>(
        &'upload self,
        file: &'upload str,
        from: &'upload Path,
        content_type: &str,
    ) -> Result<(Upload<'upload>, String), WorkError> {
        let key = self.key(file)?;
        self.stored().insert(file.to_owned());
        let Scope {
            buckets, bucket, ..
        } = &*self.0;
        let upload = Upload {
            client: &buckets.client,
            bucket,
            key: key.clone(),
            file,
            from,
        };
        let id = upload.begin(content_type).await?;
        self.uploads().insert(key, id.clone());
        Ok((upload, id))
    }

    /// Ends an upload in parts that has stored `size` bytes. Returns the size.
    fn end_upload(&self, key: &str, size: u64) -> u64 {
        self.uploads().remove(key);
        METERS.bytes_out.inc_by(size);
        size
    }

    /// Stores bytes below the prefix, as [`Storage::put_file`] does.
    ///
    /// # Errors
    ///
    /// If the name is invalid or the bucket keeps failing.
    pub async fn put_bytes(
        &self,
        file: &str,
        bytes: Vec<u8>,
        content_type: &str,
        lifetime: Lifetime,
    ) -> Result<u64, WorkError> {
        self.put(file, &Body::Bytes(bytes), content_type, lifetime)
            .await
    }

    /// Reads back a file that this attempt has stored.
    ///
    /// # Errors
    ///
    /// If the name is invalid or the bucket keeps failing.
    pub async fn read(&self, file: &str) -> Result<Box<dyn AsyncRead + Send + Unpin>, WorkError> {
        let key = self.key(file)?;
        let got = self.0.buckets.client.get_object().bucket(&self.0.bucket);
        let got = got
            .key(key)
            .send()
            .await
            .map_err(|error| failed("read back", file, cause(&error)))?;
        Ok(Box::new(got.body.into_async_read()))
    }

    /// Reads back a file of `size` bytes that this attempt has stored. Repeats the request if its body is cut off.
    ///
    /// # Errors
    ///
    /// If the name is invalid, the bucket keeps failing, or the size is another.
    pub async fn read_whole(&self, file: &str, size: u64) -> Result<Vec<u8>, WorkError> {
        let most = TRY_TIMEOUT + Duration::from_secs(size / RATE_MIN);
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(3));
        let mut tries = 0;
        loop {
            tries += 1;
            // One byte more, so that a file that is too long is noticed.
            let mut body = self.read(file).await?.take(size.saturating_add(1));
            let mut bytes = Vec::new();
            let why = match timeout(most, body.read_to_end(&mut bytes)).await {
                Ok(Ok(count)) if u64::try_from(count) == Ok(size) => return Ok(bytes),
                Ok(Ok(count)) => format!("{count} of {size} bytes were returned"),
                Ok(Err(_)) => "its body was cut off".to_owned(),
                Err(_) => "its body did not end in time".to_owned(),
            };
            if tries == READS_MAX {
                return Err(failed("read back", file, &why));
            }
            tracing::warn!(
                file,
                tries,
                why,
                "a file was not read back completely; it is read again"
            );
            backoff.wait().await;
        }
    }

    /// Removes everything that this attempt has stored, because it is not the current one. The edge removes later what cannot
    /// be removed now.
    pub async fn remove_stored(&self) {
        let names = std::mem::take(&mut *self.stored());
        for file in names {
            let Ok(key) = self.key(&file) else { continue };
            let remove = self.0.buckets.client.delete_object();
            let removed = remove.bucket(&self.0.bucket).key(key).send().await;
            if let Err(error) = removed {
                tracing::warn!(
                    why = cause(&error),
                    "the edge will remove the remaining files of the attempt"
                );
                return;
            }
        }
    }

    /// Aborts unfinished uploads in parts. The bucket removes by itself what cannot be aborted now, R2 after a week.
    pub async fn abort_uploads(&self) {
        let uploads = std::mem::take(&mut *self.uploads());
        for (key, id) in uploads {
            let abort = self.0.buckets.client.abort_multipart_upload();
            let abort = abort.bucket(&self.0.bucket).key(key).upload_id(id);
            if let Err(error) = abort.send().await {
                tracing::warn!(why = cause(&error), "an unfinished upload was not aborted");
                return;
            }
        }
    }

    async fn put(
        &self,
        file: &str,
        body: &Body<'_>,
        content_type: &str,
        lifetime: Lifetime,
    ) -> Result<u64, WorkError> {
        let key = self.key(file)?;
        self.stored().insert(file.to_owned());
        let (size, md5) = body.measure().await.map_err(|why| unreadable(file, &why))?;
        let mut tries = 0;
        loop {
            tries += 1;
            let stream = body.stream().await.map_err(|why| unreadable(file, &why))?;
            let e_tag = self
                .send(&key, stream, size, (content_type, lifetime))
                .await
                .map_err(|why| failed("store", file, why))?;
            if self.is_whole(&key, size, &md5, &e_tag).await {
                METERS.bytes_out.inc_by(size);
                return Ok(size);
            }
            if tries == PUTS_MAX {
                return Err(failed(
                    "store",
                    file,
                    "the stored object is not what was sent",
                ));
            }
            tracing::warn!(
                file,
                tries,
                "a file was stored incorrectly; it is stored again"
            );
        }
    }

    /// One upload, with the retries of the SDK. Returns the `ETag`.
    async fn send(
        &self,
        key: &str,
        stream: ByteStream,
        size: u64,
        (content_type, lifetime): (&str, Lifetime),
    ) -> Result<String, &'static str> {
        let put = self.0.buckets.client.put_object();
        let stored = put
            .bucket(&self.0.bucket)
            .key(key)
            .content_type(content_type)
            .cache_control(lifetime.cache_control())
            .set_content_length(i64::try_from(size).ok())
            .body(stream)
            .customize()
            .config_override(patient(size))
            // The `ETag` shows whether the file arrived; a signed hash would show nothing more.
            .disable_payload_signing()
            .send()
            .await
            .map_err(|error| cause(&error))?;
        Ok(stored.e_tag.unwrap_or_default())
    }

    /// Whether the stored object is what was sent: by its MD5, if its `ETag` is one, otherwise by its size.
    async fn is_whole(&self, key: &str, size: u64, md5: &str, e_tag: &str) -> bool {
        let e_tag = e_tag.trim_matches('"');
        if is_md5(e_tag) {
            return e_tag.eq_ignore_ascii_case(md5);
        }
        has_size(&self.0.buckets.client, &self.0.bucket, key, size).await
    }

    /// Key of a file below the prefix. Names that do not stay below it are refused.
    fn key(&self, file: &str) -> Result<String, WorkError> {
        let key = format!("{}{file}", self.0.prefix);
        if parse_output(&key).is_some_and(|parsed| parsed.file == file) {
            Ok(key)
        } else {
            Err(WorkError::permanent(
                ErrorCode::Internal,
                format!("Internal error of the worker: {file:?} is not a valid name of an output."),
            ))
        }
    }

    fn uploads(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0
            .uploads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn stored(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body<'_> {
    /// Size and MD5.
    async fn measure(&self) -> std::io::Result<(u64, String)> {
        let path = match self {
            Self::File(path) => path.to_path_buf(),
            Self::Bytes(bytes) => {
                let size = u64::try_from(bytes.len()).map_err(std::io::Error::other)?;
                return Ok((size, hex::encode(Md5::digest(bytes))));
            }
        };
        tokio::task::spawn_blocking(move || digest_file::<Md5>(&path))
            .await
            .map_err(std::io::Error::other)?
    }

    async fn stream(&self) -> std::io::Result<ByteStream> {
        match self {
            Self::File(path) => {
                let file = ByteStream::read_from().path(path).buffer_size(READ_BYTES);
                file.build().await.map_err(std::io::Error::other)
            }
            Self::Bytes(bytes) => Ok(ByteStream::from(bytes.clone())),
        }
    }
}
