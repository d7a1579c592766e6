//! What a child says on its stderr: the last lines are kept, errors are counted, nothing else costs memory.

use std::collections::VecDeque;

/// Lines kept.
const LINES_MAX: usize = 200;

/// Bytes kept of a line.
const LINE_BYTES_MAX: usize = 500;

/// Levels of ffmpeg that mean damage, as `-loglevel level+…` writes them.
const ERROR_LEVELS: [&str; 3] = ["[error]", "[fatal]", "[panic]"];

/// What ffmpeg calls an error and is none: the timing of a stream that is read before its parameters (MPEG-TS), of which
/// nothing is missing in the picture.
const HARMLESS: &str = "referenced in buffering period";

/// The end of a child's log.
#[derive(Debug, Clone, Default)]
pub struct Log {
    lines: VecDeque<String>,
    part: Vec<u8>,
    errors: u64,
    last_was_error: bool,
}

impl Log {
    /// Takes what came next.
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

    /// The child has said its last word.
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

    /// Errors since the start, those included whose lines are gone.
    #[must_use]
    pub const fn errors(&self) -> u64 {
        self.errors
    }

    /// The lines that are left, from old to new.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// The last line that tells an error, without the address of whoever said it.
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
        // In pieces, as a pipe gives them.
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
