//! The image codec as a child of the worker: an image that makes it panic, hang or use too much memory harms nothing else.
//!
//! The child is the worker's own program in its [`sandbox`](crate::child::sandbox), with one file to read and one folder to
//! write. It reads one [`Request`] from stdin, writes one [`Reply`] per line to stdout, and writes each variant as a file.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use imaging::{Probe, Session};
use serde::{Deserialize, Serialize};
use shared::image::{ImagePlan, ImageReport, Variant};
use shared::problem::{ErrorCode, Failure};

use crate::child::sandbox::is_limit;

/// What the codec has to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Path of the image.
    pub(crate) original: PathBuf,
    /// The variants to make.
    pub(crate) plan: ImagePlan,
    /// Bytes of memory that are available now, if known.
    pub(crate) available_bytes: Option<u64>,
}

/// What the codec reports.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// The image is decoded.
    Decoded,
    /// A variant was written to the file [`file`].
    Made(Variant),
    /// All variants were written.
    Done(ImageReport),
    /// Too little memory is available now. The value is the bytes that decoding needs.
    Short(u64),
    /// The image cannot be decoded.
    Failed(Failure),
}

/// Name of the file of a variant.
pub(crate) fn file(variant: &Variant) -> String {
    format!("{}.{}", variant.name, variant.format.extension())
}

/// Runs the codec in the child. An exit code other than 0 is a fault of the machine; a fault of the image is a reply.
#[must_use]
pub fn run() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr does not change the exit code.
            let _ = writeln!(io::stderr(), "codec: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let Request {
        original,
        plan,
        available_bytes,
    } = serde_json::from_str(&text)?;
    let input = std::fs::read(original)?;
    if let Some(needed_bytes) = missing(&input, &plan, available_bytes) {
        return reply(&Reply::Short(needed_bytes));
    }
    match make(input, &plan) {
        Ok(()) => Ok(()),
        Err(Broken::Image(failure)) => reply(&Reply::Failed(failure)),
        Err(Broken::Machine(error)) => Err(error),
    }
}

/// What failed.
enum Broken {
    Image(Failure),
    Machine(io::Error),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Image(failure)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

fn make(input: Vec<u8>, plan: &ImagePlan) -> Result<(), Broken> {
    let mut session = Session::open(input, plan)?;
    reply(&Reply::Decoded)?;
    while let Some((variant, bytes)) = session.next_variant()? {
        std::fs::write(Path::new(&file(&variant)), bytes)?;
        reply(&Reply::Made(variant))?;
    }
    reply(&Reply::Done(session.report()?))?;
    Ok(())
}

/// The bytes that decoding needs, if the plan allows them but they are not available now.
fn missing(input: &[u8], plan: &ImagePlan, available_bytes: Option<u64>) -> Option<u64> {
    let size_bytes = u64::try_from(input.len()).unwrap_or(u64::MAX);
    // Any other fault of the file is found by decoding it.
    let Ok(Probe::Ready(summary)) = imaging::probe(input, size_bytes, plan) else {
        return None;
    };
    // The file itself is in memory already.
    let needed = summary.memory_bytes.saturating_sub(size_bytes);
    (needed > available_bytes?).then_some(needed)
}

fn reply(reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_string(reply)?;
    line.push('\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()
}

/// The failure of a codec that ended before it was done, by its signal and its stderr.
pub(crate) fn failure(signal: Option<i32>, stderr: &str) -> Failure {
    let advice = "Convert it with another program and upload it as a new asset.";
    match signal {
        Some(signal) if is_limit(signal) => Failure::new(
            ErrorCode::WorkerExhausted,
            "Decoding the image exceeded a limit of the machine. The job is tried again.",
        ),
        Some(_) if stderr.contains("memory allocation of") => Failure::new(
            ErrorCode::ImageMemoryExceeded,
            format!("Decoding the image needs more memory than estimated. {advice}"),
        ),
        None if !stderr.contains("panicked") => Failure::new(
            ErrorCode::WorkerExhausted,
            "The codec could not read the image or write its variants. The job is tried again.",
        ),
        Some(_) | None => Failure::new(
            ErrorCode::ImageCodecTrapped,
            format!("The codec crashed on this image. {advice}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The start of a PNG of `side` × `side` pixels.
    fn png(side: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(side.to_be_bytes());
        bytes.extend(side.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(b"IDAT");
        bytes
    }

    #[test]
    fn an_image_that_does_not_fit_now_is_reported() {
        let plan = ImagePlan::native(u64::MAX, u64::MAX);
        assert_eq!(missing(&png(16), &plan, Some(1 << 30)), None);
        assert_eq!(missing(&png(1_000), &plan, None), None);
        let needed = missing(&png(1_000), &plan, Some(0)).unwrap();
        assert_eq!(missing(&png(1_000), &plan, Some(needed)), None);
        // An image above the limit of the setting is refused by the codec itself.
        let small = ImagePlan::native(u64::MAX, 1);
        assert_eq!(missing(&png(1_000), &small, Some(0)), None);
    }

    #[test]
    fn every_end_has_its_code() {
        let code = |signal, stderr| failure(signal, stderr).code;
        assert_eq!(code(Some(9), ""), ErrorCode::WorkerExhausted);
        assert_eq!(code(Some(11), ""), ErrorCode::ImageCodecTrapped);
        let memory = "memory allocation of 123456 bytes failed";
        assert_eq!(code(Some(6), memory), ErrorCode::ImageMemoryExceeded);
        let panic = "thread 'main' panicked at src/lib.rs:1:1:";
        assert_eq!(code(Some(6), panic), ErrorCode::ImageCodecTrapped);
        assert_eq!(code(None, panic), ErrorCode::ImageCodecTrapped);
        let disk = "codec: No space left on device (os error 28)";
        assert_eq!(code(None, disk), ErrorCode::WorkerExhausted);
    }
}
