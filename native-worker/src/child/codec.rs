//! The codec of pictures as a child of the worker: a picture that makes it panic, hang or eat memory takes nothing else down.
//!
//! It is this very program in the box of [`sandbox`](crate::child::sandbox), with one file to read and one folder to write. On
//! stdin comes one [`Order`], on stdout goes one [`Told`] a line, and each variant is a file in its folder.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use imaging::{Probe, Session};
use serde::{Deserialize, Serialize};
use shared::image::{ImagePlan, ImageReport, Variant};
use shared::problem::{ErrorCode, Failure};

use crate::child::sandbox::is_limit;

/// What the codec is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The picture.
    pub(crate) original: PathBuf,
    /// What is made of it.
    pub(crate) plan: ImagePlan,
    /// Bytes of memory that the machine can spare now, if it says so.
    pub(crate) available_bytes: Option<u64>,
}

/// What the codec tells.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    /// The picture is decoded.
    Decoded,
    /// A variant lies in the folder, by the name of [`file`].
    Made(Variant),
    /// All of them do.
    Done(ImageReport),
    /// The machine has too little memory now: these bytes are needed.
    Short(u64),
    /// The picture cannot be decoded.
    Failed(Failure),
}

/// The name of a variant's file.
pub(crate) fn file(variant: &Variant) -> String {
    format!("{}.{}", variant.name, variant.format.extension())
}

/// The child's whole life. An error here is of the machine: what is wrong with the picture is told.
#[must_use]
pub fn run() -> ExitCode {
    match work() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr is no reason to end otherwise.
            let _ = writeln!(io::stderr(), "codec: {error}");
            ExitCode::FAILURE
        }
    }
}

fn work() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let Order {
        original,
        plan,
        available_bytes,
    } = serde_json::from_str(&text)?;
    let input = std::fs::read(original)?;
    if let Some(needed_bytes) = missing(&input, &plan, available_bytes) {
        return tell(&Told::Short(needed_bytes));
    }
    match make(input, &plan) {
        Ok(()) => Ok(()),
        Err(Broken::Picture(failure)) => tell(&Told::Failed(failure)),
        Err(Broken::Machine(error)) => Err(error),
    }
}

/// What broke.
enum Broken {
    Picture(Failure),
    Machine(io::Error),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Picture(failure)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

fn make(input: Vec<u8>, plan: &ImagePlan) -> Result<(), Broken> {
    let mut session = Session::open(input, plan)?;
    tell(&Told::Decoded)?;
    while let Some((variant, bytes)) = session.next_variant()? {
        std::fs::write(Path::new(&file(&variant)), bytes)?;
        tell(&Told::Made(variant))?;
    }
    tell(&Told::Done(session.report()?))?;
    Ok(())
}

/// The bytes that decoding takes, when the plan allows them and the machine does not have them now.
fn missing(input: &[u8], plan: &ImagePlan, available_bytes: Option<u64>) -> Option<u64> {
    let size_bytes = u64::try_from(input.len()).unwrap_or(u64::MAX);
    // What else is wrong with the file, decoding it will tell.
    let Ok(Probe::Ready(summary)) = imaging::probe(input, size_bytes, plan) else {
        return None;
    };
    // The file itself is in the memory by now.
    let needed = summary.memory_bytes.saturating_sub(size_bytes);
    (needed > available_bytes?).then_some(needed)
}

fn tell(told: &Told) -> io::Result<()> {
    let mut line = serde_json::to_string(told)?;
    line.push('\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()
}

/// What is to be said of a codec that ended before it was done.
pub(crate) fn ended(signal: Option<i32>, last_words: &str) -> Failure {
    let crashed = "Convert it with another program and upload it as a new asset.";
    match signal {
        Some(signal) if is_limit(signal) => Failure::new(
            ErrorCode::WorkerExhausted,
            "Decoding the image went over a limit of the machine. It is tried again.",
        ),
        Some(_) if last_words.contains("memory allocation of") => Failure::new(
            ErrorCode::ImageMemoryExceeded,
            format!("Decoding the image takes more memory than was estimated. {crashed}"),
        ),
        None if !last_words.contains("panicked") => Failure::new(
            ErrorCode::WorkerExhausted,
            "The codec could not read the image or write its variants. It is tried again.",
        ),
        Some(_) | None => Failure::new(
            ErrorCode::ImageCodecTrapped,
            format!("The codec crashed on this image. {crashed}"),
        ),
    }
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
    fn a_picture_that_does_not_fit_now_is_told() {
        let plan = ImagePlan::native(u64::MAX, u64::MAX);
        assert_eq!(missing(&png(16), &plan, Some(1 << 30)), None);
        assert_eq!(missing(&png(1_000), &plan, None), None);
        let needed = missing(&png(1_000), &plan, Some(0)).unwrap();
        assert_eq!(missing(&png(1_000), &plan, Some(needed)), None);
        // What the setting refuses is refused for ever, by the codec.
        let small = ImagePlan::native(u64::MAX, 1);
        assert_eq!(missing(&png(1_000), &small, Some(0)), None);
    }

    #[test]
    fn ends_have_their_codes() {
        let code = |signal, words| ended(signal, words).code;
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
