//! Images that are too large for the edge. The same codec decodes them, as a child: see [`codec`].

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
use crate::child::codec::{self, Reply, Request};
use crate::child::sandbox::{Limits, Policy, Program};
use crate::child::{Child, Exit, broken};
use crate::host::memory;
use crate::ops::meters::{METERS, timed};
use crate::storage::Lifetime;
use crate::work_error::WorkError;

/// Time limit of one step of the codec. The largest accepted image needs a minute on a slow core.
const STEP_MAX: Duration = Duration::from_mins(10);

/// Address space besides the pixels: for the file, the program and the stacks of its threads.
const BESIDE_PIXELS_BYTES: u64 = 2 << 30;

/// Makes and stores every variant of the plan. When it is dropped or stopped, it kills its child.
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
    steps.report(0.0, "fetch", None);
    let on_progress = |ratio| steps.report(ratio, "fetch", None);
    timed("fetch", attempt.fetch(on_progress)).await?;
    let folder = attempt.scratch.join("variants");
    let created = tokio::fs::create_dir(&folder).await;
    created.map_err(|why| disk_failed(&why))?;
    let mut child = start(attempt, &folder)?;
    request(attempt, plan, &mut child).await?;
    let encoded = timed("encode", Box::pin(store(&steps, &mut child, &folder))).await;
    // It has not ended by itself, or its result is of no use.
    if encoded.is_err() {
        child.kill();
    }
    child.measure_memory();
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

/// Sends the codec its request. An error means that it has ended; its exit tells why.
async fn request(attempt: &Attempt, plan: &ImagePlan, child: &mut Child) -> Result<(), WorkError> {
    let config = &attempt.config;
    let request = Request {
        original: attempt.input(),
        // The memory limit is a setting of this worker, not of the edge.
        plan: ImagePlan {
            memory_max_bytes: config.image_memory_max_bytes,
            ..plan.clone()
        },
        available_bytes: memory::available_bytes()
            .map(|available| available.saturating_sub(config.memory_free_min_bytes)),
    };
    let text = serde_json::to_string(&request).map_err(|why| broken(&why.into()))?;
    if let Some(mut stdin) = child.take_stdin() {
        let _ = stdin.write_all(text.as_bytes()).await;
    }
    Ok(())
}

/// Stores the variants as they are made. `None` if the codec ended before it was done.
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
    while let Some(reply) = next(&mut lines).await? {
        child.measure_memory();
        match reply {
            Reply::Decoded => steps.report(2.0, "decode", None),
            Reply::Made(variant) => {
                let name = variant.name.clone();
                outputs.push(put(steps.attempt, folder, variant).await?);
                let done = u32::try_from(outputs.len()).unwrap_or(u32::MAX);
                steps.report(2.0 + f64::from(done), "encode", Some(name));
            }
            Reply::Done(report) => {
                outputs.sort_by_key(|output| std::cmp::Reverse(output.width));
                return Ok(Some(Made {
                    outputs,
                    width: Some(report.width),
                    height: Some(report.height),
                    placeholder: Some(report.placeholder),
                    ..Made::default()
                }));
            }
            Reply::Short(needed) => return Err(short(steps.attempt, needed)),
            Reply::Failed(failure) => {
                return Err(WorkError {
                    class: FailureClass::of_codec(failure.code),
                    failure,
                });
            }
        }
    }
    Ok(None)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<Option<Reply>, WorkError> {
    let Ok(line) = timeout(STEP_MAX, lines.next_line()).await else {
        let minutes = STEP_MAX.as_secs() / 60;
        let detail = format!(
            "The codec made no progress for {minutes} minutes and was killed. The job is tried again."
        );
        return Err(WorkError::retryable(ErrorCode::EncodeStalled, detail));
    };
    let line = line.map_err(|why| broken(&why))?;
    // A line that cannot be parsed was cut off: the codec has ended.
    Ok(line.and_then(|line| serde_json::from_str(&line).ok()))
}

/// The image fits the limit of this worker, but too little memory is available now. Another attempt may succeed.
fn short(attempt: &Attempt, needed: u64) -> WorkError {
    let reserve = attempt.config.memory_free_min_bytes;
    let detail = format!(
        "Decoding the image needs {needed} bytes of memory, but the worker has less available now (it keeps {reserve} free). The job is tried again."
    );
    WorkError::retryable(ErrorCode::WorkerExhausted, detail)
}

/// Why the codec ended before it was done.
fn ended(exit: &Exit) -> WorkError {
    let lines: Vec<&str> = exit.log.lines().collect();
    let stderr = lines.join("\n");
    tracing::error!(status = %exit.status, stderr, "the codec ended before it was done");
    let failure = codec::failure(exit.signal(), &stderr);
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
    let detail =
        format!("The worker's scratch folder cannot be used: {why}. The job is tried again.");
    WorkError::retryable(ErrorCode::WorkerExhausted, detail)
}

/// Reports progress in steps: the fetch, the decoding, and each variant.
struct Steps<'a> {
    attempt: &'a Attempt,
    count: usize,
}

impl Steps<'_> {
    fn report(&self, done: f64, stage: &str, rendition: Option<String>) {
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        self.attempt.pulse.report(Progress {
            ratio: Some(done / f64::from(count)),
            stage: stage.to_owned(),
            rendition,
            ..Progress::default()
        });
    }
}
