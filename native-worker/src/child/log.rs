//! [`Log`]: the end of a child's stderr, in bounded memory, and a count of its errors.

use std::collections::VecDeque;

/// Number of lines that are kept.
const LINES_MAX: usize = 200;

/// Number of bytes of a line that are kept.
const LINE_BYTES_MAX: usize = 500;

/// Levels of ffmpeg that count as errors, as `-loglevel level+…` writes them.
const ERROR_LEVELS: [&str; 3] = ["[error]", "[fatal]", "[panic]"];

/// A message that ffmpeg logs as an error but that means no damage: in MPEG-TS, timing information was read before the
/// parameters of the stream. No frame is lost.
const HARMLESS: &str = "referenced in buffering period";

/// The end of a child's stderr.
#[derive(Debug, Clone, Default)]
pub struct Log {
    lines: VecDeque<String>,
    part: Vec<u8>,
    errors: u64,
    last_was_error: bool,
}

impl Log {
    /// Adds the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let ends = piece.ends_with(b"\n") || piece.ends_with(b"\r");
            let room = LINE_BYTES_MAX.saturating_sub(self.part.len());
            self.part.extend(piece.iter().take(room));
            if ends {
                self.end_line();
            }
        }
    }

    /// Ends the last line.
    pub(super) fn end(&mut self) {
        self.end_line();
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.part).trim().to_owned();
        self.part.clear();
        if line.is_empty() {
            return;
        }
        let repeated = line
            .strip_prefix("Last message repeated ")
            .and_then(|rest| rest.strip_suffix(" times"))
            .and_then(|count| count.parse::<u64>().ok());
        match repeated {
            Some(count) if self.last_was_error => self.errors = self.errors.saturating_add(count),
            Some(_) => {}
            None => {
                self.last_was_error = is_error(&line);
                self.errors = self.errors.saturating_add(u64::from(self.last_was_error));
            }
        }
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Number of errors since the start, including those of dropped lines.
    #[must_use]
    pub const fn errors(&self) -> u64 {
        self.errors
    }

    /// The kept lines, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The last error, or the last line if there is none, without the name and address of the component.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        let line = self.lines().rev().find(|line| is_error(line));
        let line = line.or_else(|| self.lines().next_back())?;
        Some(line.rsplit_once("] ").map_or(line, |(_, text)| text))
    }
}

fn is_error(line: &str) -> bool {
    ERROR_LEVELS.iter().any(|level| line.contains(level)) && !line.contains(HARMLESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Log {
        let mut log = Log::default();
        // In pieces, as from a pipe.
        for piece in text.as_bytes().chunks(7) {
            log.push(piece);
        }
        log.end();
        log
    }

    #[test]
    fn errors_are_counted_with_their_repetitions() {
        let log = log(
            "[h264 @ 0x1] [error] error while decoding MB 3 4\n    Last message repeated 12 times\n\
             [mov @ 0x2] [warning] odd\n    Last message repeated 5 times\r[fatal] no more\n\
             [h264 @ 0x1] [error] non-existing SPS 0 referenced in buffering period\n    Last message repeated 1 times",
        );
        assert_eq!(log.errors(), 14);
        assert_eq!(log.last_error(), Some("no more"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut log = log(&"x".repeat(10_000_000));
        assert_eq!(log.lines().next().map(str::len), Some(LINE_BYTES_MAX));
        for number in 0..10_000 {
            log.push(format!("[error] {number}\n").as_bytes());
        }
        assert_eq!((log.lines().count(), log.errors()), (LINES_MAX, 10_000));
        assert_eq!(log.last_error(), Some("9999"));
    }
}
