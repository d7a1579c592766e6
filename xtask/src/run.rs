//! Running other programs: quietly, with their output shown only after a failure, or in the foreground.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::say;

/// Lines of a program's output in an error message: some programs name the cause first, others last.
const HEAD_LINES: usize = 15;
const TAIL_LINES: usize = 40;

/// Runs `command` as a step of this title; its output is shown only if it fails.
///
/// # Errors
///
/// When the program cannot be started or fails.
pub fn step(title: &str, command: &mut Command) -> Result<()> {
    say::step(title, || capture(command).with_context(|| title.to_owned()))?;
    Ok(())
}

/// Runs `command` and returns its stdout. An error contains the beginning and the end of all that it printed.
///
/// # Errors
///
/// When the program cannot be started or fails.
pub fn capture(command: &mut Command) -> Result<String> {
    let name = name(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed);
        bail!("{name} failed ({})\n{}", output.status, excerpt(&printed));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command` with its output on this terminal.
///
/// # Errors
///
/// When the program cannot be started or fails.
pub fn foreground(command: &mut Command) -> Result<()> {
    let name = name(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} failed ({status})");
    }
    Ok(())
}

/// The cargo that runs this command, without the variables that would override this workspace's own flags.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Trap: any RUSTFLAGS silently replaces the flags of .cargo/config.toml, and with them simd128.
    command
        .current_dir(root)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

/// The course of a build: a share of its units, and the share of the time in which they are built. The large ones come last.
/// Averages of cold builds of xtask, the edge and the native worker on two cores.
const COURSE: [(f64, f64); 5] = [
    (0.3, 0.15),
    (0.6, 0.27),
    (0.8, 0.52),
    (0.9, 0.67),
    (1.0, 1.0),
];

/// Before this share of the time no estimate is possible.
const SHARE_MIN: f64 = 0.05;

/// Runs a build by cargo as a step of this title that reports how many of its units are built.
///
/// # Errors
///
/// When cargo cannot be started or fails; the error contains what it printed.
pub(crate) fn build(title: &str, cargo: &mut Command) -> Result<()> {
    // The counts are in cargo's own progress bar, which needs a width if stderr is not a terminal.
    cargo
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "80")
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    say::long_step(title, |step| {
        let mut child = cargo.spawn().context("cannot start cargo")?;
        let (mut printed, mut fresh) = (String::new(), None);
        let stderr = child.stderr.take().context("stderr is piped")?;
        for chunk in BufReader::new(stderr).split(b'\r') {
            for line in String::from_utf8_lossy(&chunk?).lines() {
                if let Some((built, all)) = units(line) {
                    let fresh = *fresh.get_or_insert(built);
                    step.report(&progress(fresh, built, all, step.elapsed()));
                } else if !line.trim_start().starts_with("Compiling ") {
                    printed.push_str(line);
                    printed.push('\n');
                }
            }
        }
        let status = child.wait()?;
        if !status.success() {
            bail!("{title}: cargo failed ({status})\n{}", excerpt(&printed));
        }
        Ok(())
    })
}

/// The units that are built and their total in a line of cargo's progress bar: `Building [==>  ] 12/131: syn, …`.
fn units(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.split_once("Building [")?;
    let (_, rest) = rest.split_once("] ")?;
    let (built, rest) = rest.split_once('/')?;
    let all = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
    Some((built.trim().parse().ok()?, all.parse().ok()?))
}

/// The counts, and an estimate of the remaining time. The units that were built from the start, `fresh`, took none.
fn progress(fresh: u32, built: u32, all: u32, elapsed: Duration) -> String {
    let counts = format!("{built} of {all} parts");
    let (built, all) = (built.saturating_sub(fresh), all.saturating_sub(fresh));
    let share = share_of_time(f64::from(built) / f64::from(all));
    if share < SHARE_MIN {
        return counts;
    }
    let left = elapsed.mul_f64((1.0 - share) / share);
    // Rounded: the estimate is rough.
    let left = Duration::from_secs(left.as_secs().next_multiple_of(5));
    format!("{counts}, about {} left", say::seconds(left))
}

/// The share of the time that has passed once a share of the units is built, by linear interpolation of [`COURSE`].
fn share_of_time(built: f64) -> f64 {
    let mut start = (0.0, 0.0);
    for end in COURSE {
        if built <= end.0 {
            return start.1 + (end.1 - start.1) * (built - start.0) / (end.0 - start.0);
        }
        start = end;
    }
    1.0
}

/// Work in a thread of its own.
pub(crate) struct Background<T>(JoinHandle<Result<T>>);

impl<T: Send + 'static> Background<T> {
    /// Starts `work`.
    pub(crate) fn start(work: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        Self(std::thread::spawn(work))
    }

    /// Whether the work has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.0.is_finished()
    }

    /// Waits for the end of the work.
    ///
    /// # Errors
    ///
    /// Those of the work.
    pub(crate) fn join(self) -> Result<T> {
        match self.0.join() {
            Ok(result) => result,
            Err(_) => bail!("a thread of this command panicked"),
        }
    }
}

/// Whether `PATH` has a program of this name.
pub fn is_installed(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

/// Major and minor version in the output of a program's `--version`: `v22.12.0`, `Python 3.11.2`.
pub(crate) fn version(output: &str) -> Option<(u32, u32)> {
    let number = output
        .trim()
        .trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let mut numbers = number.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The last `count` lines of `text`.
pub fn tail(text: &str, count: usize) -> String {
    let skipped = text.lines().count().saturating_sub(count);
    text.lines().skip(skipped).collect::<Vec<_>>().join("\n")
}

/// The first and last lines of all that a program printed.
fn excerpt(text: &str) -> String {
    let left_out = text.lines().count().saturating_sub(HEAD_LINES + TAIL_LINES);
    if left_out == 0 {
        return text.to_owned();
    }
    let head = text.lines().take(HEAD_LINES).collect::<Vec<_>>().join("\n");
    format!("{head}\n… {left_out} lines …\n{}", tail(text, TAIL_LINES))
}

/// The program and its first arguments, for messages.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(program)
        .chain(command.get_args().take(3))
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(version("v22.9.0\n"), Some((22, 9)));
        assert_eq!(version("Python 3.11.2\n"), Some((3, 11)));
        assert!(version("v22.9.0") < version("v22.12.0"));
        assert!(version("v100.0.0") > version("v22.12.0"));
        assert_eq!(version("nonsense"), None);
    }
}
