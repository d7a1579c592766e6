//! One attempt at an image job of the edge: claim, read, decode, make and store each variant, finish.

use std::time::Duration;

use futures_util::future::{join, poll_immediate};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use shared::id::JobId;
use shared::image::{ImagePlan, VARIANT_CONTENT_TYPE};
use shared::job::{Facts, FailureClass, Fence, Job, LeaseHash, Progress};
use shared::key::{self, OutputPrefix};
use shared::kind::RunsOn;
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;
use wasm_bindgen::JsCast as _;
use worker::crypto::{DigestStream, DigestStreamAlgorithm};
use worker::{Bucket, Delay, HttpMetadata, ResponseBody};

use super::codec::{Codec, Encoded};
use crate::app::App;
use crate::clock;
use crate::db::assets::AssetRow;
use crate::error::{Error, Result};
use crate::hub::subject::Subject;
use crate::jobs;
use crate::jobs::lease::{self, Renewal};
use crate::jobs::request::{Change, Made};
use crate::outbox;
use crate::storage::output::StoredOutput;
use crate::storage::{self, removal};

/// The progress of an attempt is published at most this often; what comes in between is left out.
const PROGRESS_EVERY_MS: u64 = 250;

thread_local! {
    /// Name of this isolate as a worker of jobs.
    static WORKER: String = format!("edge-images-{:08x}", clock::random_u64() >> 32);
}

/// Claims `job` and works on it. What goes wrong after the claim is stored with the job.
///
/// # Errors
/// [`Error::Problem`] when the job cannot be claimed, [`Error::Internal`] when the database fails.
pub(super) async fn work(app: &App, codec: &Codec, job: JobId) -> Result<()> {
    let (token, nonce) = (clock::random_token(), clock::random_u64());
    let claim = Change::Claim {
        worker: WORKER.with(Clone::clone),
        runs_on: RunsOn::Edge,
        token: token.clone(),
        nonce,
    };
    let claimed = jobs::apply(app, job, &claim).await?;
    let fence = Fence {
        attempt: claimed.job.attempt,
        lease: LeaseHash::of(&token),
    };
    let prefix = OutputPrefix {
        asset: claimed.asset.id()?,
        attempt: fence.attempt,
        nonce,
    };
    let mut attempt = Attempt {
        app,
        codec,
        subject: claimed.asset.subject()?,
        job: claimed.job,
        asset: claimed.asset,
        fence,
        prefix,
        reported_at: None,
    };
    let ((), made) = join(outbox::settle(app, claimed.effects), attempt.read()).await;
    let made = match made {
        Ok(()) => attempt.make().await,
        Err(error) => Err(error),
    };
    attempt.end(made).await
}

/// An attempt that holds the lease of its job and the codec.
struct Attempt<'a> {
    app: &'a App,
    codec: &'a Codec,
    subject: Subject,
    /// The job as of the claim or the last renewal.
    job: Job,
    asset: AssetRow,
    fence: Fence,
    prefix: OutputPrefix,
    reported_at: Option<Timestamp>,
}

impl Attempt<'_> {
    fn plan(&self) -> ImagePlan {
        ImagePlan::standard(self.app.config.pixels_max, self.app.config.memory_max_bytes)
    }

    /// Where the outputs go.
    fn bucket(&self) -> Result<Bucket> {
        storage::outputs(self.app, self.asset.visibility()?)
    }

    async fn original(&self) -> Result<ResponseBody> {
        let object = storage::raw(self.app)?
            .get(key::original(self.asset.id()?))
            .execute()
            .await?;
        let object = object.ok_or_else(|| {
            Error::problem(
                ErrorCode::UploadMissing,
                "The original is no longer in the bucket.",
            )
        })?;
        let body = object
            .body()
            .ok_or_else(|| Error::internal("an object has no body"))?;
        Ok(body.response_body()?)
    }

    /// Verifies the checksum of the original, if one was declared, and decodes it.
    async fn read(&self) -> Result<()> {
        if let Some(declared) = &self.asset.sha256 {
            self.check_sha256(declared).await?;
        }
        if self.app.config.faults.trap_size_bytes == Some(self.asset.size_bytes) {
            return self.codec.trap();
        }
        self.codec
            .open(self.original().await?, self.asset.size_bytes, &self.plan())
            .await
    }

    /// Compares the declared checksum with that of the stored file, which is streamed through the digest of the runtime.
    async fn check_sha256(&self, declared: &str) -> Result<()> {
        let ResponseBody::Stream(stream) = self.original().await? else {
            return Err(Error::internal("the body of an object is not a stream"));
        };
        let digest = DigestStream::new(DigestStreamAlgorithm::Sha256);
        let piped =
            wasm_bindgen_futures::JsFuture::from(stream.pipe_to(digest.raw().unchecked_ref()));
        piped
            .await
            .map_err(|error| Error::internal(format!("digest: {error:?}")))?;
        let hash = digest
            .digest()
            .await
            .map_err(|error| Error::internal(format!("digest: {error:?}")))?;
        let hex = hex::encode(hash.to_vec());
        if hex == declared {
            Ok(())
        } else {
            let detail = format!(
                "The stored file has the SHA-256 {hex}, but {declared} was declared. To upload the right file, create a new asset."
            );
            Err(Error::problem(ErrorCode::UploadChecksumMismatch, detail))
        }
    }

    /// Makes and stores every variant.
    async fn make(&mut self) -> Result<Made> {
        let total = self.plan().variants.len() + 1;
        self.done(1, total, "decode", None).await?;
        let bucket = self.bucket()?;
        let mut puts = FuturesUnordered::new();
        let mut outputs = Vec::new();
        let mut made = 1;
        while let Some(encoded) = self.codec.next()? {
            let name = encoded.variant.name.clone();
            puts.push(store(&bucket, self.prefix, encoded));
            // The first poll sends the request; the variant is stored while the next one is made.
            if let Some(Some(stored)) = poll_immediate(puts.next()).await {
                outputs.push(stored?);
            }
            // One turn of the event loop, so that one image does not block everything else in this isolate.
            Delay::from(Duration::ZERO).await;
            made += 1;
            self.done(made, total, "encode", Some(name)).await?;
        }
        while let Some(stored) = puts.next().await {
            outputs.push(stored?);
        }
        outputs.sort_by_key(|output| std::cmp::Reverse(output.width));
        let report = self.codec.report()?;
        Ok(Made {
            outputs,
            facts: Facts {
                width: Some(report.width),
                height: Some(report.height),
                duration_ms: None,
                placeholder: Some(report.placeholder),
            },
            peak_memory_bytes: Some(report.peak_memory_bytes),
            report: None,
        })
    }

    /// A step is done: renews the lease when it is due, and publishes the progress unless that happened a moment ago.
    async fn done(
        &mut self,
        done: usize,
        total: usize,
        stage: &str,
        rendition: Option<String>,
    ) -> Result<()> {
        let renewal = Renewal {
            fence: self.fence.clone(),
            deadline_min: None,
            early: None,
        };
        self.job = lease::renew(self.app, &self.subject, &self.job, renewal).await?;
        let now = clock::now();
        if self
            .reported_at
            .is_some_and(|at| now.ms_since(at) < PROGRESS_EVERY_MS)
        {
            return Ok(());
        }
        self.reported_at = Some(now);
        let progress = Progress {
            ratio: Some(ratio(done, total)),
            stage: stage.to_owned(),
            rendition,
            ..Progress::default()
        };
        lease::report_progress(self.app, &self.subject, self.fence.attempt, progress).await
    }

    /// The end of an attempt that failed.
    fn give_up(&self, failure: Failure, peak_memory_bytes: Option<u64>) -> Change {
        let fence = self.fence.clone();
        if self.app.config.has_native_workers && failure.code.is_for_native() {
            Change::HandOver {
                fence,
                failure,
                peak_memory_bytes,
            }
        } else {
            Change::Fail {
                fence,
                class: FailureClass::of_codec(failure.code),
                failure,
                peak_memory_bytes,
            }
        }
    }

    /// Ends the attempt by its result.
    async fn end(&self, made: Result<Made>) -> Result<()> {
        let peak = self
            .codec
            .report()
            .ok()
            .map(|report| report.peak_memory_bytes);
        let change = match made {
            Ok(made) => Change::Finish {
                fence: self.fence.clone(),
                made,
            },
            Err(error) => {
                worker::console_log!(
                    "attempt failed job.id={} attempt={} error={error:?}",
                    self.subject.job_id,
                    self.fence.attempt
                );
                self.give_up(error.failure(), peak)
            }
        };
        match jobs::apply(self.app, self.subject.job_id, &change).await {
            Ok(applied) => outbox::settle(self.app, applied.effects).await,
            // The job was cancelled, deleted or claimed by another worker, so nothing of this attempt is visible. If this removal
            // fails, the tombstone of the prefix remains.
            Err(Error::Problem(failure)) => {
                worker::console_warn!(
                    "attempt is no longer the current one job.id={} code={}",
                    self.subject.job_id,
                    failure.code.as_str()
                );
                removal::remove_prefix(&self.bucket()?, &self.prefix.to_string()).await?;
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a handful of steps"
)]
fn ratio(done: usize, total: usize) -> f64 {
    done as f64 / total as f64
}

/// Stores a variant and compares the size that the bucket reports.
async fn store(bucket: &Bucket, prefix: OutputPrefix, encoded: Encoded) -> Result<StoredOutput> {
    let Encoded { variant, bytes } = encoded;
    let key = prefix.webp(&variant.name);
    let metadata = HttpMetadata {
        content_type: Some(VARIANT_CONTENT_TYPE.to_owned()),
        cache_control: Some("public, max-age=31536000, immutable".to_owned()),
        ..HttpMetadata::default()
    };
    let stored = bucket
        .put(&key, bytes)
        .http_metadata(metadata)
        .execute()
        .await?;
    if stored.is_none_or(|object| object.size() != variant.size_bytes) {
        return Err(Error::internal(format!("{key} was not stored completely")));
    }
    Ok(StoredOutput {
        name: variant.name,
        key,
        content_type: VARIANT_CONTENT_TYPE.to_owned(),
        width: Some(variant.width),
        height: Some(variant.height),
        size_bytes: variant.size_bytes,
    })
}
