//! One attempt at one image job: claim, read, decode, make and store each variant, finish.

use std::time::Duration;

use futures_util::future::{join, poll_immediate};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use shared::asset::Visibility;
use shared::event::EventType;
use shared::id::{EventId, JobId};
use shared::image::{ImagePlan, VARIANT_CONTENT_TYPE};
use shared::job::{FailureClass, Fence, LeaseHash, Progress};
use shared::key::{self, OutputPrefix};
use shared::kind::RunsOn;
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;
use wasm_bindgen::JsCast as _;
use worker::crypto::{DigestStream, DigestStreamAlgorithm};
use worker::{Bucket, Delay, HttpMetadata, ResponseBody};

use crate::app::App;
use crate::clock;
use crate::db::assets::{AssetRow, StoredOutput};
use crate::error::{Error, Result};
use crate::hub::{self, Append};
use crate::jobs::{self, Change, Made, new_event};
use crate::outbox;
use crate::storage::removal;
use crate::work::codec::{Codec, Encoded};

/// Progress of one job is told at most this often; what comes in between is left out.
const PROGRESS_EVERY_MS: u64 = 250;

/// A lease is renewed when it is this old.
const RENEW_AFTER_MS: u64 = 10_000;

thread_local! {
    /// Name of this isolate as a worker.
    static WORKER: String = format!("edge-images-{:08x}", clock::random_u64() >> 32);
}

/// Works on `job`. `Err(Problem)`: it could not be claimed. Whatever goes wrong after the claim ends in the job's row.
pub(crate) async fn work(app: &App, codec: &Codec, job: JobId) -> Result<()> {
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
    let now = clock::now();
    let mut attempt = Attempt {
        app,
        codec,
        job,
        asset: claimed.asset,
        fence,
        prefix,
        renewed_at: now,
        told_at: None,
    };
    let ((), made) = join(outbox::settle(app, claimed.effects), attempt.read()).await;
    let made = match made {
        Ok(()) => attempt.make().await,
        Err(error) => Err(error),
    };
    attempt.end(made).await
}

/// An attempt that holds the lease and the codec.
struct Attempt<'a> {
    app: &'a App,
    codec: &'a Codec,
    job: JobId,
    asset: AssetRow,
    fence: Fence,
    prefix: OutputPrefix,
    renewed_at: Timestamp,
    told_at: Option<Timestamp>,
}

impl Attempt<'_> {
    fn plan(&self) -> ImagePlan {
        ImagePlan::standard(self.app.config.pixels_max, self.app.config.memory_max_bytes)
    }

    /// Where the outputs go.
    fn bucket(&self) -> Result<Bucket> {
        match self.asset.visibility()? {
            Visibility::Public => self.app.public(),
            Visibility::Private => self.app.raw(),
        }
    }

    async fn original(&self) -> Result<ResponseBody> {
        let object = self
            .app
            .raw()?
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
            .ok_or_else(|| Error::internal("an object came without its body"))?;
        Ok(body.response_body()?)
    }

    /// Checks the original and decodes it.
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

    /// Compares the declared checksum with the stored file, streamed through the runtime's own digest.
    async fn check_sha256(&self, declared: &str) -> Result<()> {
        let ResponseBody::Stream(stream) = self.original().await? else {
            return Err(Error::internal("an object's body is no stream"));
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
        let hex: String = hash
            .to_vec()
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|digit| char::from_digit(u32::from(digit), 16))
            .collect();
        if hex == declared {
            Ok(())
        } else {
            let detail = format!(
                "The stored file has the SHA-256 {hex}, {declared} was declared. Create the asset again and put the right file."
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
            // The first poll sends it; it is stored while the next variant is made.
            if let Some(Some(stored)) = poll_immediate(puts.next()).await {
                outputs.push(stored?);
            }
            // A turn of the event loop, so that one image never holds up whatever else this process serves.
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
            width: Some(report.width),
            height: Some(report.height),
            duration_ms: None,
            placeholder: Some(report.placeholder),
            peak_memory_bytes: Some(report.peak_memory_bytes),
            report: None,
        })
    }

    /// A step is done: renews the lease when it is old, and tells the progress unless it was told a moment ago.
    async fn done(
        &mut self,
        done: usize,
        total: usize,
        stage: &str,
        rendition: Option<String>,
    ) -> Result<()> {
        let now = clock::now();
        if now.ms_since(self.renewed_at) >= RENEW_AFTER_MS {
            jobs::apply(
                self.app,
                self.job,
                &Change::Heartbeat {
                    fence: self.fence.clone(),
                    deadline_min: None,
                    early: None,
                },
            )
            .await?;
            self.renewed_at = now;
        }
        if self
            .told_at
            .is_some_and(|at| now.ms_since(at) < PROGRESS_EVERY_MS)
        {
            return Ok(());
        }
        self.told_at = Some(now);
        let mut event = new_event(EventType::ProcessingProgress, &self.asset, now)?;
        event.event_id = EventId::new(now, clock::random());
        event.attempt = Some(self.fence.attempt);
        event.progress = Some(Progress {
            ratio: Some(ratio(done, total)),
            stage: stage.to_owned(),
            rendition,
            ..Progress::default()
        });
        let hub = hub::name(&self.asset.tenant, &self.asset.user_id);
        if let Err(error) = hub::append(self.app, &hub, &[Append::of(&event)?]).await {
            // Progress that is not heard is no reason to stop.
            worker::console_warn!("progress not told: {error:?}");
        }
        Ok(())
    }

    /// What becomes of the job when this attempt at it failed.
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

    /// Ends the attempt as it went.
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
                    self.job,
                    self.fence.attempt
                );
                self.give_up(error.failure(), peak)
            }
        };
        match jobs::apply(self.app, self.job, &change).await {
            Ok(applied) => outbox::settle(self.app, applied.effects).await,
            // Cancelled, deleted or taken over meanwhile: nothing of this attempt is visible. If this removal fails, the
            // prefix has a tombstone.
            Err(Error::Problem(failure)) => {
                worker::console_warn!(
                    "attempt was overtaken job.id={} code={}",
                    self.job,
                    failure.code.as_str()
                );
                removal::remove_all(&self.bucket()?, &self.prefix.to_string()).await?;
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

/// Stores a variant and checks what the bucket says of it.
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
        return Err(Error::internal(format!("{key} was not stored whole")));
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
