//! Running other programs: quietly, with their output shown only after a failure, or in the foreground.

use std::path::Path;
use std::process::{Command, Output, Stdio};

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
        bail!("{name} failed ({})\n{}", output.status, excerpt(&output));
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
fn excerpt(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text);
    let left_out = text.lines().count().saturating_sub(HEAD_LINES + TAIL_LINES);
    if left_out == 0 {
        return text.into_owned();
    }
    let head = text.lines().take(HEAD_LINES).collect::<Vec<_>>().join("\n");
    format!("{head}\n… {left_out} lines …\n{}", tail(&text, TAIL_LINES))
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
