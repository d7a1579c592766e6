//! Everything that is written to the terminal: results on stdout, progress on stderr.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::usage::Usage;

/// Writes one line to stdout: a result that a person or a script reads.
///
/// A reader that went away is no error: whoever stopped listening does not want to hear about it.
pub fn line(text: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes one line to stderr: what is going on.
pub fn note(text: impl Display) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// The exit code of a command with this result; an error is written to stderr.
pub fn exit_code(result: anyhow::Result<()>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    note(format_args!("error: {error:#}"));
    if error.is::<Usage>() {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    }
}

/// Is a person watching the progress?
pub(crate) fn is_interactive() -> bool {
    std::io::stderr().is_terminal()
}

/// One step of a command: a spinner with the elapsed time on a terminal, a line at both ends elsewhere.
pub struct Step {
    title: String,
    started: Instant,
    spinner: Option<ProgressBar>,
}

impl Step {
    /// Starts to show `title`.
    pub fn start(title: impl Into<String>) -> Self {
        let title = title.into();
        let spinner = is_interactive().then(|| {
            let spinner = ProgressBar::new_spinner().with_message(title.clone());
            spinner.set_style(style("{spinner} {msg} {elapsed:.dim}"));
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        if spinner.is_none() {
            note(format_args!("  ..  {title}"));
        }
        Self {
            title,
            started: Instant::now(),
            spinner,
        }
    }

    /// Ends the step well.
    pub fn ok(self) {
        self.end("ok");
    }

    /// Ends the step badly; the reason is the error that the caller returns or collects.
    pub fn failed(self) {
        self.end("FAILED");
    }

    fn end(self, word: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
        note(format_args!(
            "  {word}  {} ({})",
            self.title,
            seconds(self.started.elapsed())
        ));
    }
}

/// A group of progress bars, drawn only on a terminal.
pub(crate) fn bars() -> MultiProgress {
    MultiProgress::new()
}

/// A bar that counts bytes.
pub(crate) fn byte_bar(bars: &MultiProgress, title: String, size_bytes: u64) -> ProgressBar {
    let bar = bars.add(ProgressBar::new(size_bytes).with_message(title));
    bar.set_style(style(
        "{msg:24!} [{bar:30}] {bytes:>11} of {total_bytes:<11} {prefix}",
    ));
    bar
}

/// A bar that counts hundredths of a part of the work.
pub(crate) fn share_bar(title: String) -> ProgressBar {
    let bar = ProgressBar::new(100).with_message(title);
    bar.set_style(style("  {msg:22!} [{bar:30}] {percent:>9} %"));
    bar
}

/// Lets a bar that counted bytes count shares of the work, in hundredths.
pub(crate) fn count_shares(bar: &ProgressBar) {
    bar.set_style(style("{msg:24!} [{bar:30}] {percent:>9} % {prefix}"));
    bar.set_length(100);
    bar.set_position(0);
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// A duration as a person reads it.
pub(crate) fn seconds(duration: Duration) -> String {
    if duration < Duration::from_mins(1) {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!(
            "{}:{:02} min",
            duration.as_secs() / 60,
            duration.as_secs() % 60
        )
    }
}
