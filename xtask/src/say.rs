//! Terminal output: results on stdout, progress on stderr.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// All bars and spinners of this process: lines are written above them.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Time between two lines about the progress of a step if stderr is not a terminal.
const REPORT_INTERVAL: Duration = Duration::from_secs(15);

/// Writes one line to stdout: a result that a person or a script reads. A closed stdout is not an error.
pub fn line(text: impl Display) {
    write(&mut std::io::stdout().lock(), text);
}

/// Writes one line to stderr: progress.
pub fn note(text: impl Display) {
    write(&mut std::io::stderr().lock(), text);
}

fn write(out: &mut impl Write, text: impl Display) {
    BARS.suspend(|| {
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    });
}

/// Whether a person can watch the progress.
pub(crate) fn is_interactive() -> bool {
    std::io::stderr().is_terminal()
}

/// A step in progress: a spinner with the elapsed time on a terminal, a line at the start and the end elsewhere.
pub(crate) struct Step {
    title: String,
    started: Instant,
    reported: Instant,
    spinner: ProgressBar,
}

impl Step {
    fn start(title: &str) -> Self {
        let spinner = BARS.add(ProgressBar::new_spinner().with_message(title.to_owned()));
        spinner.set_style(style("{spinner} {msg} {elapsed:.dim}"));
        spinner.enable_steady_tick(Duration::from_millis(100));
        if !is_interactive() {
            note(format_args!("  ..  {title}"));
        }
        Self {
            title: title.to_owned(),
            started: Instant::now(),
            reported: Instant::now(),
            spinner,
        }
    }

    /// Time since its start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Shows its progress.
    pub(crate) fn report(&mut self, progress: &str) {
        let text = format!("{}: {progress}", self.title);
        if !is_interactive() && self.reported.elapsed() >= REPORT_INTERVAL {
            self.reported = Instant::now();
            note(format_args!("  ..  {text}"));
        }
        self.spinner.set_message(text);
    }
}

/// Runs `work` as a step.
///
/// # Errors
///
/// Those of `work`.
pub fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    long_step(title, |_| work())
}

/// Runs `work` as a step that reports its progress.
pub(crate) fn long_step<T>(title: &str, work: impl FnOnce(&mut Step) -> Result<T>) -> Result<T> {
    let mut step = Step::start(title);
    let result = work(&mut step);
    step.spinner.finish_and_clear();
    let outcome = if result.is_ok() { "ok" } else { "FAILED" };
    note(format_args!(
        "  {outcome}  {title} ({})",
        seconds(step.elapsed())
    ));
    result
}

/// A bar that counts bytes.
pub(crate) fn byte_bar(title: String, size_bytes: u64) -> ProgressBar {
    let bar = BARS.add(ProgressBar::new(size_bytes).with_message(title));
    bar.set_style(style(
        "{msg:24!} [{bar:30}] {decimal_bytes:>10} of {decimal_total_bytes:<10} {prefix}",
    ));
    bar
}

/// A bar that counts hundredths of one rendition, below that of its file.
pub(crate) fn share_bar(title: String, file: Option<&ProgressBar>) -> ProgressBar {
    let bar = ProgressBar::new(100).with_message(title);
    bar.set_style(style("  {msg:22!} [{bar:30}] {percent:>9} %"));
    match file {
        Some(file) => BARS.insert_after(file, bar),
        None => BARS.add(bar),
    }
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
