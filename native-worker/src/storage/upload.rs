//! [`Upload`]: stores a large file in parts. A failure costs one part only, progress is visible, and the size is not limited.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::stream::{self, StreamExt as _};
use md5::Md5;

use super::buckets::has_size;
use super::digest::{digest, is_md5};
use super::fault::{cause, failed, unreadable};
use super::transfer::{Lifetime, PUTS_MAX, READ_BYTES, patient};
use crate::work_error::WorkError;

/// Larger files are stored in parts.
pub(super) const LARGE_BYTES: u64 = 32 << 20;

/// Size of a part. S3 requires 5 MiB for all but the last, and R2 requires the same size for all but the last.
pub(super) const PART_BYTES: u64 = 8 << 20;

/// Largest number of parts that S3 allows. Larger files get larger parts.
const PARTS_MAX: u64 = 10_000;

/// Parts at the same time.
const PARTS_AT_A_TIME: u64 = 4;

/// The upload of one large file.
pub(super) struct Upload<'upload> {
    pub(super) client: &'upload Client,
    pub(super) bucket: &'upload str,
    pub(super) key: String,
    /// Name of the file below the prefix.
    pub(super) file: &'upload str,
    pub(super) from: &'upload Path,
}

/// A part of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Number of the part, from 0.
    pub(super) index: u64,
    pub(super) at: u64,
    pub(super) length: u64,
}

impl Upload<'_> {
    /// Begins the upload and returns its id. The bucket keeps the parts until the upload is completed or aborted.
    pub(super) async fn begin(&self, content_type: &str) -> Result<String, WorkError> {
        let create = self.client.create_multipart_upload().bucket(self.bucket);
        let created = create
            .key(&self.key)
            .content_type(content_type)
            .cache_control(Lifetime::Immutable.cache_control())
            .send()
            .await
            .map_err(|error| failed("store", self.file, cause(&error)))?;
        let none = || failed("store", self.file, "it returned no upload id");
        created.upload_id.ok_or_else(none)
    }

    /// Stores and verifies all parts and completes the upload. `on_bytes` is called with the number of stored bytes.
    pub(super) async fn run(
        &self,
        id: &str,
        size: u64,
        mut on_bytes: impl FnMut(u64) + Send,
    ) -> Result<(), WorkError> {
        let length = PART_BYTES.max(size.div_ceil(PARTS_MAX));
        let parts = (0..size.div_ceil(length)).map(|index| {
            let at = index * length;
            let length = length.min(size - at);
            self.part(id, Part { index, at, length })
        });
        let mut parts = stream::iter(parts).buffered(usize::try_from(PARTS_AT_A_TIME).unwrap_or(1));
        let (mut done, mut completed) = (0, Vec::new());
        while let Some(part) = parts.next().await {
            let (part, bytes) = part?;
            completed.push(part);
            done += bytes;
            on_bytes(done);
        }
        self.complete(id, completed, size).await
    }

    /// Completes the upload of all parts.
    pub(super) async fn complete(
        &self,
        id: &str,
        completed: Vec<CompletedPart>,
        size: u64,
    ) -> Result<(), WorkError> {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(completed));
        let complete = self.client.complete_multipart_upload().bucket(self.bucket);
        let complete = complete.key(&self.key).upload_id(id);
        let stored = complete.multipart_upload(parts.build()).send().await;
        stored.map_err(|error| failed("store", self.file, cause(&error)))?;
        if has_size(self.client, self.bucket, &self.key, size).await {
            Ok(())
        } else {
            let why = "the stored object is not what was sent";
            Err(failed("store", self.file, why))
        }
    }

    /// Stores one part and verifies its MD5, which is its `ETag`. Returns its entry for the completion, and its length.
    pub(super) async fn part(
        &self,
        id: &str,
        Part { index, at, length }: Part,
    ) -> Result<(CompletedPart, u64), WorkError> {
        let failed = |why: &str| failed("store", self.file, why);
        let md5 = self.md5(at, length).await;
        let md5 = md5.map_err(|why| unreadable(self.file, &why))?;
        let number = i32::try_from(index + 1);
        let number = number.map_err(|_| failed("it has too many parts"))?;
        for _ in 0..PUTS_MAX {
            let body = self.body(at, length).await;
            let body = body.map_err(|why| unreadable(self.file, &why))?;
            let put = self.client.upload_part().bucket(self.bucket).key(&self.key);
            let stored = put
                .upload_id(id)
                .part_number(number)
                .set_content_length(i64::try_from(length).ok())
                .body(body)
                .customize()
                // All parts at the same time share the bandwidth.
                .config_override(patient(length.saturating_mul(PARTS_AT_A_TIME)))
                // The `ETag` shows whether the part arrived; a signed hash would show nothing more.
                .disable_payload_signing()
                .send()
                .await
                .map_err(|error| failed(cause(&error)))?;
            let e_tag = stored.e_tag.unwrap_or_default();
            let bare = e_tag.trim_matches('"');
            if !is_md5(bare) || bare.eq_ignore_ascii_case(&md5) {
                let part = CompletedPart::builder().part_number(number).e_tag(e_tag);
                return Ok((part.build(), length));
            }
            tracing::warn!(
                self.file,
                number,
                "a part was stored incorrectly; it is stored again"
            );
        }
        Err(failed("the stored object is not what was sent"))
    }

    async fn md5(&self, at: u64, length: u64) -> std::io::Result<String> {
        let path = self.from.to_owned();
        let digesting = tokio::task::spawn_blocking(move || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(at))?;
            let (size, md5) = digest::<Md5>(file.take(length))?;
            if size == length {
                Ok(md5)
            } else {
                Err(std::io::Error::other("the file has become shorter"))
            }
        });
        digesting.await.map_err(std::io::Error::other)?
    }

    async fn body(&self, at: u64, length: u64) -> std::io::Result<ByteStream> {
        let part = ByteStream::read_from().path(self.from).offset(at);
        let part = part.length(Length::Exact(length)).buffer_size(READ_BYTES);
        part.build().await.map_err(std::io::Error::other)
    }
}
