//! Pictures that are too big for the edge, by the same codec.

use std::time::Duration;

use imaging::Probe;
use shared::image::{ImagePlan, ImageReport, Variant};
use shared::job::{FailureClass, Progress};
use shared::problem::{ErrorCode, Failure};
use shared::worker::{Made, MadeOutput};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::attempt::{Attempt, WorkError};
use crate::memory;
use crate::stage;
use crate::storage::Lifetime;

/// Variants that wait for the bucket. One: it is stored while the next is made.
const WAITING_MAX: usize = 1;

/// How long the codec may be at one step. The largest picture that is taken needs a minute on a slow core.
const STEP_MAX: Duration = Duration::from_mins(10);

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
    // What fits is this machine's to say, not the edge's.
    let plan = ImagePlan {
        memory_max_bytes: attempt.config.image_memory_max_bytes,
        ..plan.clone()
    };
    check_memory(&input, &plan, attempt.config.memory_free_min_bytes)?;
    let steps = plan.variants.len() + 1;
    let (tell_of, mut told) = mpsc::channel(WAITING_MAX);
    // A panic of the codec ends its thread and comes out of the handle.
    let codec = attempt
        .threads
        .spawn_blocking(move || encode(input, &plan, &tell_of));
    let made = stage::timed("encode", store(attempt, &mut told, steps)).await;
    drop(told);
    if matches!(&made, Err(error) if error.failure.code == ErrorCode::EncodeStalled)
        || attempt.pulse.stop().is_cancelled()
    {
        // Its thread ends when its step does, and then nobody listens; the slot waits for it.
        return made;
    }
    match codec.await {
        Ok(Ok(())) => made,
        Ok(Err(failure)) => Err(WorkError {
            class: FailureClass::of_codec(failure.code),
            failure,
        }),
        Err(panic) => {
            tracing::error!(%panic, "the codec panicked");
            let detail = "The codec crashed on this image. Convert it with another program and upload it as a new asset.";
            Err(WorkError::permanent(ErrorCode::ImageCodecTrapped, detail))
        }
    }
}

/// A picture that this machine could decode, but not now, is for later, or for another machine.
fn check_memory(input: &[u8], plan: &ImagePlan, reserve_bytes: u64) -> Result<(), WorkError> {
    let size_bytes = u64::try_from(input.len()).unwrap_or(u64::MAX);
    // What else is wrong with the file the codec says.
    let Ok(Probe::Ready(summary)) = imaging::probe(input, size_bytes, plan) else {
        return Ok(());
    };
    // The file itself is in the memory by now.
    let needed = summary.memory_bytes.saturating_sub(size_bytes);
    let Some(available) = memory::available_bytes() else {
        return Ok(());
    };
    if needed <= available.saturating_sub(reserve_bytes) {
        return Ok(());
    }
    let detail = format!(
        "Decoding the image takes {needed} bytes more, and the worker has {available} bytes of memory available, of which {reserve_bytes} stay free. It is tried again."
    );
    Err(WorkError::retryable(ErrorCode::WorkerExhausted, detail))
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
            next = timeout(STEP_MAX, told.recv()) => next.map_err(|_| stalled())?,
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

fn stalled() -> WorkError {
    let minutes = STEP_MAX.as_secs() / 60;
    let detail = format!(
        "The codec made nothing of the image for {minutes} minutes and was given up. It is tried again."
    );
    WorkError::retryable(ErrorCode::EncodeStalled, detail)
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

#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a handful of steps"
)]
fn ratio(done: usize, steps: usize) -> f64 {
    done as f64 / steps as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A PNG's beginning: `side` pixels each way.
    fn png(side: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(side.to_be_bytes());
        bytes.extend(side.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(b"IDAT");
        bytes
    }

    #[test]
    fn a_picture_that_does_not_fit_now_is_for_later() {
        let plan = ImagePlan::native(u64::MAX, u64::MAX);
        let checked = |side, reserve| check_memory(&png(side), &plan, reserve);
        assert_eq!(checked(16, 0), Ok(()));
        let error = checked(1_000, u64::MAX).unwrap_err();
        let seen = (error.failure.code, error.class);
        assert_eq!(seen, (ErrorCode::WorkerExhausted, FailureClass::Retryable));
        // What the setting refuses is refused for ever, by the codec.
        let small = ImagePlan::native(u64::MAX, 1);
        assert_eq!(check_memory(&png(1_000), &small, u64::MAX), Ok(()));
    }
}
