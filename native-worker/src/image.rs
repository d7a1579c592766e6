//! Pictures that are too big for the edge, by the same codec: in a child of its own, see [`codec`].

use std::path::Path;
use std::time::Duration;

use shared::image::{ImagePlan, Variant};
use shared::job::{FailureClass, Progress};
use shared::problem::ErrorCode;
use shared::worker::{Made, MadeOutput};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::timeout;

use crate::attempt::Attempt;
use crate::child::codec::{self, Order, Told};
use crate::child::sandbox::{Limits, Policy, Program};
use crate::child::{Child, Exit, broken};
use crate::host::memory;
use crate::ops::meters::{METERS, timed};
use crate::storage::Lifetime;
use crate::work_error::WorkError;

/// How long the codec may be at one step. The largest picture that is taken needs a minute on a slow core.
const STEP_MAX: Duration = Duration::from_mins(10);

/// Address space beside the pixels: the file, the program, and what its threads reserve.
const BESIDE_PIXELS_BYTES: u64 = 2 << 30;

/// Makes and stores every variant of the plan. Dropped, or told to stop, it leaves no child behind.
pub(crate) async fn run(attempt: &Attempt, plan: &ImagePlan) -> Result<Made, WorkError> {
    let stop = attempt.pulse.stop();
    tokio::select! {
        made = make(attempt, plan) => made,
        () = stop.cancelled() => Err(WorkError::stopped()),
    }
}

async fn make(attempt: &Attempt, plan: &ImagePlan) -> Result<Made, WorkError> {
    let steps = Steps {
        attempt,
        count: plan.variants.len() + 2,
    };
    steps.tell(0.0, "fetch", None);
    let told = |ratio| steps.tell(ratio, "fetch", None);
    timed("fetch", attempt.fetch(told)).await?;
    let folder = attempt.scratch.join("variants");
    let created = tokio::fs::create_dir(&folder).await;
    created.map_err(|why| disk_failed(&why))?;
    let mut child = start(attempt, &folder)?;
    order(attempt, plan, &mut child).await?;
    let encoded = timed("encode", Box::pin(store(&steps, &mut child, &folder))).await;
    // It has nothing more to say, or nothing that is wanted.
    if encoded.is_err() {
        child.kill();
    }
    child.look_at_memory();
    let exit = child.wait().await.map_err(|why| broken(&why))?;
    METERS.encoder_cpu.inc_by(exit.cpu.as_secs_f64());
    match encoded? {
        Some(made) => Ok(Made {
            peak_memory_bytes: Some(exit.peak_memory_bytes),
            ..made
        }),
        None => Err(ended(&exit)),
    }
}

fn start(attempt: &Attempt, folder: &Path) -> Result<Child, WorkError> {
    let policy = Policy {
        read: vec![attempt.input()],
        write: vec![folder.to_owned()],
        limits: Limits {
            as_bytes: attempt
                .config
                .image_memory_max_bytes
                .saturating_add(BESIDE_PIXELS_BYTES),
            ..Limits::default()
        },
        nice: 5,
        ..Policy::new(Program::Codec)
    };
    Child::spawn(&attempt.config.launcher, &policy, &[]).map_err(|why| broken(&why))
}

/// Gives the codec its order. One that is gone already is found out by its end.
async fn order(attempt: &Attempt, plan: &ImagePlan, child: &mut Child) -> Result<(), WorkError> {
    let config = &attempt.config;
    let order = Order {
        original: attempt.input(),
        // What fits is this machine's to say, not the edge's.
        plan: ImagePlan {
            memory_max_bytes: config.image_memory_max_bytes,
            ..plan.clone()
        },
        available_bytes: memory::available_bytes()
            .map(|available| available.saturating_sub(config.memory_free_min_bytes)),
    };
    let text = serde_json::to_string(&order).map_err(|why| broken(&why.into()))?;
    if let Some(mut stdin) = child.take_stdin() {
        let _ = stdin.write_all(text.as_bytes()).await;
    }
    Ok(())
}

/// Stores variants as they come; `None` if the codec ended before it was done.
async fn store(
    steps: &Steps<'_>,
    child: &mut Child,
    folder: &Path,
) -> Result<Option<Made>, WorkError> {
    let Some(stdout) = child.take_stdout() else {
        return Ok(None);
    };
    let mut lines = BufReader::new(stdout).lines();
    let mut outputs: Vec<MadeOutput> = Vec::new();
    while let Some(told) = next(&mut lines).await? {
        child.look_at_memory();
        match told {
            Told::Decoded => steps.tell(2.0, "decode", None),
            Told::Made(variant) => {
                let name = variant.name.clone();
                outputs.push(put(steps.attempt, folder, variant).await?);
                let done = u32::try_from(outputs.len()).unwrap_or(u32::MAX);
                steps.tell(2.0 + f64::from(done), "encode", Some(name));
            }
            Told::Done(report) => {
                outputs.sort_by_key(|output| std::cmp::Reverse(output.width));
                return Ok(Some(Made {
                    outputs,
                    width: Some(report.width),
                    height: Some(report.height),
                    placeholder: Some(report.placeholder),
                    ..Made::default()
                }));
            }
            Told::Short(needed) => return Err(short(steps.attempt, needed)),
            Told::Failed(failure) => {
                return Err(WorkError {
                    class: FailureClass::of_codec(failure.code),
                    failure,
                });
            }
        }
    }
    Ok(None)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<Option<Told>, WorkError> {
    let Ok(line) = timeout(STEP_MAX, lines.next_line()).await else {
        let minutes = STEP_MAX.as_secs() / 60;
        let detail = format!(
            "The codec made nothing of the image for {minutes} minutes and was ended. It is tried again."
        );
        return Err(WorkError::retryable(ErrorCode::EncodeStalled, detail));
    };
    let line = line.map_err(|why| broken(&why))?;
    // Half a line is none: it broke off.
    Ok(line.and_then(|line| serde_json::from_str(&line).ok()))
}

/// A picture that this machine could decode, but not now, is for later, or for another machine.
fn short(attempt: &Attempt, needed: u64) -> WorkError {
    let reserve = attempt.config.memory_free_min_bytes;
    let detail = format!(
        "Decoding the image takes {needed} bytes of memory, and the worker has not so many to spare ({reserve} stay free). It is tried again."
    );
    WorkError::retryable(ErrorCode::WorkerExhausted, detail)
}

/// Why the codec ended before it was done.
fn ended(exit: &Exit) -> WorkError {
    let words: Vec<&str> = exit.log.lines().collect();
    let words = words.join("\n");
    tracing::error!(status = %exit.status, words, "the codec ended before it was done");
    let failure = codec::ended(exit.signal(), &words);
    WorkError {
        class: FailureClass::of_codec(failure.code),
        failure,
    }
}

async fn put(attempt: &Attempt, folder: &Path, variant: Variant) -> Result<MadeOutput, WorkError> {
    let content_type = variant.format.content_type();
    let file = codec::file(&variant);
    let path = folder.join(&file);
    let size_bytes = attempt
        .storage
        .put_file(&file, &path, content_type, Lifetime::Immutable)
        .await?;
    let removed = tokio::fs::remove_file(&path).await;
    removed.map_err(|why| disk_failed(&why))?;
    Ok(MadeOutput {
        name: variant.name,
        file,
        content_type: content_type.to_owned(),
        width: Some(variant.width),
        height: Some(variant.height),
        size_bytes,
    })
}

fn disk_failed(why: &std::io::Error) -> WorkError {
    let detail = format!("The worker's scratch folder cannot be used: {why}. It is tried again.");
    WorkError::retryable(ErrorCode::WorkerExhausted, detail)
}

/// Tells how far the work is, in steps: the fetch, the decoding, and each variant.
struct Steps<'a> {
    attempt: &'a Attempt,
    count: usize,
}

impl Steps<'_> {
    fn tell(&self, done: f64, stage: &str, rendition: Option<String>) {
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        self.attempt.pulse.tell(Progress {
            ratio: Some(done / f64::from(count)),
            stage: stage.to_owned(),
            rendition,
            ..Progress::default()
        });
    }
}
