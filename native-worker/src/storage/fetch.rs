//! [`Fetch`]: reads the original in parts, several at a time, and writes each straight to its place in the file.

use std::io::SeekFrom;
use std::path::Path;
use std::time::Duration;

use aws_sdk_s3::Client;
use futures_util::stream::{self, StreamExt as _};
use sha2::Sha256;
use shared::problem::ErrorCode;
use shared::worker::Source;
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _, BufWriter};
use tokio::sync::mpsc;

use super::digest::digest_file;
use super::fault::{cause, failed, is_missing};
use crate::backoff::Backoff;
use crate::ops::meters::METERS;
use crate::work_error::WorkError;

/// Size of a part: large enough that the cost of a request does not matter.
const PART_BYTES: u64 = 8 * 1024 * 1024;

/// Parts at the same time: a single connection to a distant bucket does not use the whole bandwidth.
const PARTS_AT_A_TIME: usize = 4;

/// Size of one write to the disk.
const WRITE_BYTES: usize = 256 * 1024;

/// How often a part is resumed after its body was cut off. The SDK itself repeats requests that fail.
const RESUMES_MAX: u32 = 5;

/// The fetch of one original.
pub(super) struct Fetch<'fetch> {
    pub(super) client: &'fetch Client,
    pub(super) bucket: &'fetch str,
    pub(super) source: &'fetch Source,
}

/// The missing rest of a part.
struct Part {
    at: u64,
    end: u64,
    /// `ETag` of the object: all parts must be of the same one.
    e_tag: Option<String>,
    arrived: mpsc::UnboundedSender<u64>,
}

impl Fetch<'_> {
    pub(super) async fn run(
        &self,
        to: &Path,
        mut on_bytes: impl FnMut(u64) + Send,
    ) -> Result<(), WorkError> {
        let size = self.source.size_bytes;
        let e_tag = self.check_size().await?;
        let file = File::create(to).await.map_err(|why| unwritable(&why))?;
        file.set_len(size).await.map_err(|why| unwritable(&why))?;
        drop(file);
        let (arrived, mut arrivals) = mpsc::unbounded_channel::<u64>();
        let parts = (0..size.div_ceil(PART_BYTES)).map(|index| {
            let start = index * PART_BYTES;
            let part = Part {
                at: start,
                end: (start + PART_BYTES).min(size),
                e_tag: e_tag.clone(),
                arrived: arrived.clone(),
            };
            self.part(to, part)
        });
        let mut parts = stream::iter(parts).buffer_unordered(PARTS_AT_A_TIME);
        let mut total = 0;
        loop {
            tokio::select! {
                biased;
                Some(bytes) = arrivals.recv() => {
                    total += bytes;
                    on_bytes(total);
                }
                part = parts.next() => match part {
                    Some(part) => part?,
                    None => break,
                },
            }
        }
        METERS.bytes_in.inc_by(size);
        self.check_sha256(to).await
    }

    /// Checks the size of the object. Returns its `ETag`, by which all parts are of the same object.
    async fn check_size(&self) -> Result<Option<String>, WorkError> {
        let head = self.client.head_object().bucket(self.bucket);
        let head = match head.key(&self.source.key).send().await {
            Ok(head) => head,
            Err(error) if is_missing(&error) => return Err(missing()),
            Err(error) => return Err(failed("return", "the original", cause(&error))),
        };
        let stored = head
            .content_length()
            .and_then(|size| u64::try_from(size).ok());
        if stored == Some(self.source.size_bytes) {
            return Ok(head.e_tag);
        }
        let detail = format!(
            "The original has {} bytes in the bucket, but {} were expected. Upload the file again as a new asset.",
            stored.map_or_else(
                || "an unknown number of".to_owned(),
                |size| size.to_string()
            ),
            self.source.size_bytes
        );
        Err(WorkError::permanent(ErrorCode::UploadSizeMismatch, detail))
    }

    /// Fetches one part. Resumes it when a body is cut off.
    async fn part(&self, to: &Path, mut part: Part) -> Result<(), WorkError> {
        let file = OpenOptions::new().write(true).open(to).await;
        let mut file = file.map_err(|why| unwritable(&why))?;
        file.seek(SeekFrom::Start(part.at))
            .await
            .map_err(|why| unwritable(&why))?;
        let mut file = BufWriter::with_capacity(WRITE_BYTES, file);
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(3));
        let mut resumes = 0;
        loop {
            self.body(&mut file, &mut part).await?;
            if part.at == part.end {
                return file.flush().await.map_err(|why| unwritable(&why));
            }
            resumes += 1;
            if resumes > RESUMES_MAX {
                return Err(failed("return", "the original", "its body was cut off"));
            }
            backoff.wait().await;
        }
    }

    /// Writes the body of one answer, as far as it arrives.
    async fn body(&self, file: &mut BufWriter<File>, part: &mut Part) -> Result<(), WorkError> {
        let get = self.client.get_object().bucket(self.bucket);
        let get = get
            .key(&self.source.key)
            .range(format!("bytes={}-{}", part.at, part.end - 1))
            .set_if_match(part.e_tag.clone());
        let mut body = match get.send().await {
            Ok(got) => got.body,
            Err(error) if is_missing(&error) => return Err(missing()),
            Err(error) => return Err(failed("return", "the original", cause(&error))),
        };
        while let Some(Ok(bytes)) = body.next().await {
            let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if count > part.end - part.at {
                let why = "it sent more than was requested";
                return Err(failed("return", "the original", why));
            }
            file.write_all(&bytes)
                .await
                .map_err(|why| unwritable(&why))?;
            part.at += count;
            // An error means that the fetch was dropped.
            let _ = part.arrived.send(count);
        }
        Ok(())
    }

    async fn check_sha256(&self, file: &Path) -> Result<(), WorkError> {
        let Some(declared) = &self.source.sha256 else {
            return Ok(());
        };
        let file = file.to_owned();
        let digest = tokio::task::spawn_blocking(move || digest_file::<Sha256>(&file)).await;
        let (_, hash) = digest
            .map_err(std::io::Error::other)
            .and_then(|digest| digest)
            .map_err(|why| unwritable(&why))?;
        if hash == *declared {
            return Ok(());
        }
        let detail = format!(
            "The stored file has the SHA-256 {hash}, but {declared} was declared. To upload the right file, create a new asset."
        );
        Err(WorkError::permanent(
            ErrorCode::UploadChecksumMismatch,
            detail,
        ))
    }
}

fn missing() -> WorkError {
    let detail = "The original is no longer in the bucket. Upload the file again as a new asset.";
    WorkError::permanent(ErrorCode::UploadMissing, detail)
}

fn unwritable(why: &std::io::Error) -> WorkError {
    let detail = format!(
        "The original cannot be written to the worker's disk: {why}. The job is tried again."
    );
    WorkError::retryable(ErrorCode::WorkerExhausted, detail)
}
