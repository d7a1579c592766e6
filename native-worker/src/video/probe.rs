//! Probes a file with ffprobe, in its sandbox and within 30 seconds.

use std::path::Path;
use std::time::Duration;

use shared::problem::ErrorCode;
use shared::video::Source;
use shared::video::command;
use shared::video::probe::Report;
use tokio::io::AsyncReadExt as _;
use tokio::time::timeout;

use super::work::Work;
use crate::child::{Exit, broken};
use crate::work_error::WorkError;

/// Time limit of ffprobe.
const TIME_MAX: Duration = Duration::from_secs(30);

/// Size limit of its report: enough for some hundred streams.
const REPORT_BYTES_MAX: u64 = 4 << 20;

/// Probes the original.
pub(super) async fn run(work: &Work<'_>) -> Result<Source, WorkError> {
    let (exit, json) = probe(work, &work.input()).await?;
    if exit.is_success()
        && let Ok(report) = Report::parse(&json)
    {
        return Ok(Source::from_report(&report));
    }
    if exit.signal().is_some()
        || exit.status.code() == Some(i32::from(crate::child::sandbox::EXIT_CODE))
    {
        return Err(work.child_failed(&exit, "read the file"));
    }
    let error = work.last_error(&exit.log);
    tracing::info!(error, "the original cannot be read");
    // An MP4 whose index comes last, and was cut off or never written.
    if exit
        .log
        .lines()
        .any(|line| line.contains("moov atom not found"))
    {
        return Err(WorkError::permanent(
            ErrorCode::MediaTruncated,
            "The file ends before its index (moov). Export or upload it again.",
        ));
    }
    Err(WorkError::permanent(
        ErrorCode::MediaUnreadable,
        "The format of the file is not supported, or its header is damaged. \
         Convert it to MP4, MOV, WebM, MKV or MPEG-TS.",
    ))
}

/// Probes an output.
pub(super) async fn made(work: &Work<'_>, file: &Path, what: &str) -> Result<Source, WorkError> {
    let (exit, json) = probe(work, file).await?;
    if !exit.is_success() {
        return Err(work.invalid(what, &work.last_error(&exit.log)));
    }
    let report = Report::parse(&json).map_err(|why| work.invalid(what, &why))?;
    Ok(Source::from_report(&report))
}

async fn probe(work: &Work<'_>, file: &Path) -> Result<(Exit, Vec<u8>), WorkError> {
    let arguments = command::probe(&file.display().to_string());
    let mut child = work.ffprobe(&arguments, file)?;
    let stdout = child.take_stdout();
    let probing = async {
        let mut json = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(REPORT_BYTES_MAX).read_to_end(&mut json).await?;
        }
        Ok((child.wait().await?, json))
    };
    let Ok(ended) = timeout(TIME_MAX, probing).await else {
        let detail = "The file could not be probed within 30 s. The job is tried again.";
        return Err(WorkError::retryable(ErrorCode::MediaUnreadable, detail));
    };
    let (exit, json) = ended.map_err(|why| broken(&why))?;
    work.record(&exit);
    Ok((exit, json))
}
