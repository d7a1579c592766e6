//! Running other programs: quietly with their output kept for the failure, or in the foreground.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::say::Step;

/// Lines that an error shows of a program's output: some name the cause first, others last.
const HEAD_LINES: usize = 15;
const TAIL_LINES: usize = 40;

/// Runs `command` as a step: nothing but the title is shown, unless it fails.
pub fn step(title: &str, command: &mut Command) -> Result<()> {
    let step = Step::start(title);
    match capture(command) {
        Ok(_) => {
            step.ok();
            Ok(())
        }
        Err(error) => {
            step.failed();
            Err(error.context(title.to_owned()))
        }
    }
}

/// Runs `command` and gives back its stdout; an error carries the end of all that it printed.
pub fn capture(command: &mut Command) -> Result<String> {
    let name = name(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed ({})\n{}",
            output.status,
            ends(&text(&output))
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `command` with its output on this terminal.
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

/// The cargo that runs this command, without the variables that would drop this workspace's own flags.
pub fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Trap: any RUSTFLAGS silently replaces the flags of .cargo/config.toml, and with them simd128.
    command
        .current_dir(root)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
}

/// Is there a program of this name in `PATH`?
pub fn is_installed(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).is_file()))
}

/// The last `count` lines of `text`.
pub fn tail(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(count)..)
        .unwrap_or_default()
        .join("\n")
}

/// The first and last lines of `text`.
fn ends(text: &str) -> String {
    let left_out = text.lines().count().saturating_sub(HEAD_LINES + TAIL_LINES);
    if left_out == 0 {
        return text.to_owned();
    }
    let head = text.lines().take(HEAD_LINES).collect::<Vec<_>>().join("\n");
    format!("{head}\n… {left_out} lines …\n{}", tail(text, TAIL_LINES))
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned();
    let words = command
        .get_args()
        .take(3)
        .map(|word| word.to_string_lossy().into_owned());
    std::iter::once(program)
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ")
}
