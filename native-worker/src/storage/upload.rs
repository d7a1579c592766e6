//! Storing a large file: in parts, so that what fails costs one part, its progress is seen, and no file is too large.

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
use super::fault::{failed, unreadable, word};
use super::transfer::{Lifetime, PUTS_MAX, READ_BYTES, patient};
use crate::work_error::WorkError;

/// Larger files go in parts.
pub(super) const LARGE_BYTES: u64 = 32 << 20;

/// A part: a bucket takes none below 5 MiB but the last, and R2 wants all of them of one size.
pub(super) const PART_BYTES: u64 = 8 << 20;

/// Parts of one file: the bound of S3. A file of more is cut into larger ones.
const PARTS_MAX: u64 = 10_000;

/// Parts at a time.
const PARTS_AT_A_TIME: u64 = 4;

/// A large file on its way to the bucket.
pub(super) struct Upload<'upload> {
    pub(super) client: &'upload Client,
    pub(super) bucket: &'upload str,
    pub(super) key: String,
    /// What it is called below the prefix.
    pub(super) file: &'upload str,
    pub(super) from: &'upload Path,
}

/// A part of a file, and where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// From 0.
    pub(super) index: u64,
    pub(super) at: u64,
    pub(super) length: u64,
}

impl Upload<'_> {
    /// Begins it. Gives its id: until it is completed or aborted, the bucket keeps its parts.
    pub(super) async fn begin(&self, content_type: &str) -> Result<String, WorkError> {
        let create = self.client.create_multipart_upload().bucket(self.bucket);
        let created = create
            .key(&self.key)
            .content_type(content_type)
            .cache_control(Lifetime::Immutable.cache_control())
            .send()
            .await
            .map_err(|error| failed("store", self.file, word(&error)))?;
        let none = || failed("store", self.file, "it gives no id for its parts");
        created.upload_id.ok_or_else(none)
    }

    /// Stores all parts, each compared with what the bucket says of it (MD5 as `ETag`), and puts them together. `seen` hears
    /// how many of the `size` bytes are there.
    pub(super) async fn run(
        &self,
        id: &str,
        size: u64,
        mut seen: impl FnMut(u64) + Send,
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
            seen(done);
        }
        self.complete(id, completed, size).await
    }

    /// Puts the parts together.
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
        stored.map_err(|error| failed("store", self.file, word(&error)))?;
        if has_size(self.client, self.bucket, &self.key, size).await {
            Ok(())
        } else {
            let why = "what is there is not what was put";
            Err(failed("store", self.file, why))
        }
    }

    /// Stores one part. Gives what the bucket calls it, and its length.
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
                // The others are on the line, too.
                .config_override(patient(length.saturating_mul(PARTS_AT_A_TIME)))
                // As for whole files: the `ETag` tells whether it arrived.
                .disable_payload_signing()
                .send()
                .await
                .map_err(|error| failed(word(&error)))?;
            let e_tag = stored.e_tag.unwrap_or_default();
            let bare = e_tag.trim_matches('"');
            if !is_md5(bare) || bare.eq_ignore_ascii_case(&md5) {
                let part = CompletedPart::builder().part_number(number).e_tag(e_tag);
                return Ok((part.build(), length));
            }
            tracing::warn!(
                self.file,
                number,
                "a part was not stored whole; it is put again"
            );
        }
        Err(failed("what is there is not what was put"))
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
                Err(std::io::Error::other("it has become shorter"))
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
