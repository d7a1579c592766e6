//! Terminal output: results on stdout, progress on stderr.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Writes one line to stdout: a result that a person or a script reads. A closed stdout is not an error.
pub fn line(text: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes one line to stderr: progress.
pub fn note(text: impl Display) {
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Whether a person can watch the progress.
pub(crate) fn is_interactive() -> bool {
    std::io::stderr().is_terminal()
}

/// Runs `work` as a step: with a spinner and the elapsed time on a terminal, a line at the start and the end elsewhere.
///
/// # Errors
///
/// Those of `work`.
pub fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    let spinner = is_interactive().then(|| {
        let spinner = ProgressBar::new_spinner().with_message(title.to_owned());
        spinner.set_style(style("{spinner} {msg} {elapsed:.dim}"));
        spinner.enable_steady_tick(Duration::from_millis(100));
        spinner
    });
    if spinner.is_none() {
        note(format_args!("  ..  {title}"));
    }
    let result = work();
    if let Some(spinner) = spinner {
        spinner.finish_and_clear();
    }
    let outcome = if result.is_ok() { "ok" } else { "FAILED" };
    note(format_args!(
        "  {outcome}  {title} ({})",
        seconds(started.elapsed())
    ));
    result
}

/// A bar that counts bytes.
pub(crate) fn byte_bar(bars: &MultiProgress, title: String, size_bytes: u64) -> ProgressBar {
    let bar = bars.add(ProgressBar::new(size_bytes).with_message(title));
    bar.set_style(style(
        "{msg:24!} [{bar:30}] {decimal_bytes:>10} of {decimal_total_bytes:<10} {prefix}",
    ));
    bar
}

/// A bar that counts hundredths of one rendition.
pub(crate) fn share_bar(title: String) -> ProgressBar {
    let bar = ProgressBar::new(100).with_message(title);
    bar.set_style(style("  {msg:22!} [{bar:30}] {percent:>9} %"));
    bar
}

/// Makes a bar that counted bytes count hundredths of the work.
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
