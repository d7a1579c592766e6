//! Pictures that are too big for the edge, by the same codec.

use shared::image::{ImagePlan, ImageReport, Variant};
use shared::job::{FailureClass, Progress};
use shared::problem::{ErrorCode, Failure};
use shared::worker::{Made, MadeOutput};
use tokio::sync::mpsc;

use crate::attempt::{Attempt, WorkError};
use crate::stage;
use crate::storage::Lifetime;

/// Variants that wait for the bucket. One: it is stored while the next is made.
const WAITING_MAX: usize = 1;

/// What the codec's thread tells.
enum Told {
    Decoded,
    Made(Variant, Vec<u8>),
    Done(ImageReport),
}

/// Makes and stores every variant of the plan.
pub(crate) async fn run(attempt: &Attempt, plan: &ImagePlan) -> Result<Made, WorkError> {
    let original = attempt.scratch.join("original");
    tell(attempt, None, "fetch", None);
    let fetched = attempt
        .storage
        .fetch_original(&original, attempt.pulse.stop(), |_| {});
    stage::timed("fetch", fetched).await?;
    let input = tokio::fs::read(&original).await.map_err(|error| {
        let detail = format!("The original cannot be read from the worker's disk: {error}.");
        WorkError::retryable(ErrorCode::WorkerExhausted, detail)
    })?;
    let plan = ImagePlan {
        // What fits is this machine's to say, not the edge's.
        memory_max_bytes: attempt.config.image_memory_max_bytes,
        ..plan.clone()
    };
    let steps = plan.variants.len() + 1;
    let (tell_of, mut told) = mpsc::channel(WAITING_MAX);
    // A panic of the codec ends its thread and comes out of the handle.
    let codec = tokio::task::spawn_blocking(move || encode(input, &plan, &tell_of));
    let made = stage::timed("encode", store(attempt, &mut told, steps)).await;
    drop(told);
    match codec.await {
        Ok(Ok(())) => made,
        Ok(Err(failure)) => Err(WorkError {
            class: class(&failure),
            failure,
        }),
        Err(panic) => {
            tracing::error!(%panic, "the codec panicked");
            let detail = "The codec crashed on this image. Convert it with another program and upload it as a new asset.";
            Err(WorkError::permanent(ErrorCode::ImageCodecTrapped, detail))
        }
    }
}

/// The codec's thread. It ends early when nobody listens any more.
fn encode(input: Vec<u8>, plan: &ImagePlan, tell: &mpsc::Sender<Told>) -> Result<(), Failure> {
    let mut session = imaging::Session::open(input, plan)?;
    if tell.blocking_send(Told::Decoded).is_err() {
        return Ok(());
    }
    while let Some((variant, bytes)) = session.next_variant()? {
        if tell.blocking_send(Told::Made(variant, bytes)).is_err() {
            return Ok(());
        }
    }
    // Nobody listens: nobody misses it.
    let _ = tell.blocking_send(Told::Done(session.report()?));
    Ok(())
}

/// Stores variants as they come. Its error counts only when the codec has none.
async fn store(
    attempt: &Attempt,
    told: &mut mpsc::Receiver<Told>,
    steps: usize,
) -> Result<Made, WorkError> {
    let mut outputs: Vec<MadeOutput> = Vec::new();
    loop {
        let next = tokio::select! {
            next = told.recv() => next,
            () = attempt.pulse.stop().cancelled() => return Err(WorkError::stopped()),
        };
        match next {
            Some(Told::Decoded) => tell(attempt, Some(ratio(1, steps)), "decode", None),
            Some(Told::Made(variant, bytes)) => {
                let name = variant.name.clone();
                outputs.push(put(attempt, variant, bytes).await?);
                let ratio = ratio(outputs.len() + 1, steps);
                tell(attempt, Some(ratio), "encode", Some(name));
            }
            Some(Told::Done(report)) => {
                outputs.sort_by_key(|output| std::cmp::Reverse(output.width));
                return Ok(Made {
                    outputs,
                    width: Some(report.width),
                    height: Some(report.height),
                    placeholder: Some(report.placeholder),
                    ..Made::default()
                });
            }
            None => {
                let detail = "The codec ended without a word.";
                return Err(WorkError::retryable(ErrorCode::Internal, detail));
            }
        }
    }
}

async fn put(attempt: &Attempt, variant: Variant, bytes: Vec<u8>) -> Result<MadeOutput, WorkError> {
    let content_type = variant.format.content_type();
    let file = format!("{}.{}", variant.name, variant.format.extension());
    let size_bytes = attempt
        .storage
        .put_bytes(&file, bytes, content_type, Lifetime::Immutable)
        .await?;
    Ok(MadeOutput {
        name: variant.name,
        file,
        content_type: content_type.to_owned(),
        width: Some(variant.width),
        height: Some(variant.height),
        size_bytes,
    })
}

fn tell(attempt: &Attempt, ratio: Option<f64>, stage: &str, rendition: Option<String>) {
    attempt.pulse.tell(Progress {
        ratio,
        stage: stage.to_owned(),
        rendition,
        ..Progress::default()
    });
}

/// Whether another attempt can help: not when it is the file's fault.
const fn class(failure: &Failure) -> FailureClass {
    if matches!(failure.code, ErrorCode::Internal) {
        FailureClass::Retryable
    } else {
        FailureClass::Permanent
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a handful of steps"
)]
fn ratio(done: usize, steps: usize) -> f64 {
    done as f64 / steps as f64
}
