//! Storing a large file: in parts, so that what fails costs one part, its progress is seen, and no file is too large. Even
//! while it is being written: then the disk gets back what is stored, and holds a few parts of it at a time.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::{ByteStream, Length};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::stream::{self, FuturesOrdered, StreamExt as _};
use md5::Md5;
use rustix::fs::{FallocateFlags, fallocate};
use shared::problem::ErrorCode;
use tokio_util::sync::CancellationToken;

use super::{Lifetime, PUTS_MAX, READ_BYTES, failed, patient, unreadable};
use crate::attempt::WorkError;
use crate::buckets::{has_size, word};
use crate::hex::{digest, is_md5};

/// Larger files go in parts.
pub(super) const LARGE_BYTES: u64 = 32 << 20;

/// A part: a bucket takes none below 5 MiB but the last, and R2 wants all of them of one size.
const PART_BYTES: u64 = 8 << 20;

/// Parts of one file: the bound of S3. A file of more is cut into larger ones.
const PARTS_MAX: u64 = 10_000;

/// Parts at a time.
const PARTS_AT_A_TIME: u64 = 4;

/// The same of a file that is being written: each of them lies on the disk.
const GROWN_AT_A_TIME: usize = 2;

/// How often a file that is being written is looked at.
const TICK: Duration = Duration::from_millis(20);

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
struct Part {
    /// From 0.
    index: u64,
    at: u64,
    length: u64,
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

    /// The same for a file that is being written from its start to its end, until `written`. Its first part may change until
    /// then and is stored last; all others are given back to the disk at once: holes are left of them. Gives the size.
    pub(super) async fn run_growing(
        &self,
        id: &str,
        written: &CancellationToken,
    ) -> Result<u64, WorkError> {
        let mut storing = FuturesOrdered::new();
        let (mut next, mut is_cut) = (1, false);
        let (mut completed, mut size) = (Vec::new(), 0);
        loop {
            let may_begin = !is_cut && storing.len() < GROWN_AT_A_TIME;
            tokio::select! {
                grown = self.grown(next, written), if may_begin => match grown? {
                    Some(part) => {
                        storing.push_back(self.move_out(id, part));
                        next += 1;
                    }
                    None => is_cut = true,
                },
                Some(stored) = storing.next() => {
                    let (part, bytes) = stored?;
                    completed.push(part);
                    size += bytes;
                }
                else => break,
            }
        }
        let length = self.length().await?.min(PART_BYTES);
        let (index, at) = (0, 0);
        let (first, bytes) = self.part(id, Part { index, at, length }).await?;
        completed.insert(0, first);
        size += bytes;
        self.complete(id, completed, size).await?;
        Ok(size)
    }

    /// Stores a part, and gives its room on the disk back.
    async fn move_out(&self, id: &str, part: Part) -> Result<(CompletedPart, u64), WorkError> {
        let stored = self.part(id, part).await?;
        self.give_back(part).await?;
        Ok(stored)
    }

    /// Waits until a part is there; `None` if the file ends before it.
    async fn grown(
        &self,
        index: u64,
        written: &CancellationToken,
    ) -> Result<Option<Part>, WorkError> {
        let at = index * PART_BYTES;
        loop {
            // Before the look: what is there after the end is all there is.
            let is_written = written.is_cancelled();
            let length = self.length().await?.saturating_sub(at).min(PART_BYTES);
            if length == PART_BYTES || is_written {
                return Ok((length > 0).then_some(Part { index, at, length }));
            }
            tokio::select! {
                () = tokio::time::sleep(TICK) => {}
                () = written.cancelled() => {}
            }
        }
    }

    /// How long the file is now.
    async fn length(&self) -> Result<u64, WorkError> {
        match tokio::fs::metadata(self.from).await {
            Ok(metadata) => Ok(metadata.len()),
            // Nobody has begun to write it.
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(why) => Err(unreadable(self.file, &why)),
        }
    }

    /// Leaves a hole where a part was. Not every file system can.
    async fn give_back(&self, part: Part) -> Result<(), WorkError> {
        let path = self.from.to_owned();
        let giving = tokio::task::spawn_blocking(move || {
            let file = File::options().write(true).open(path)?;
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            fallocate(file, hole, part.at, part.length)?;
            Ok(())
        });
        let given = giving.await.map_err(std::io::Error::other).flatten();
        given.map_err(|why: std::io::Error| {
            let detail = format!(
                "The worker's disk does not give back parts of {}: {why}.",
                self.file
            );
            WorkError::retryable(ErrorCode::OutputInvalid, detail)
        })
    }

    /// Puts the parts together.
    async fn complete(
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

    async fn part(
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
