//! ffmpeg's `-progress` output: blocks of `key=value` lines. Each block ends with `progress=continue` or `progress=end`.

use super::number::{real, whole};

/// One block of values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Block {
    /// Number of frames written to the first output.
    pub frame: Option<u64>,
    /// Media time that was written, in microseconds. It may be missing while the encoder fills its buffers.
    pub out_time_us: Option<u64>,
    /// Speed: seconds of media per second.
    pub speed: Option<f64>,
    /// Number of frames that were duplicated to keep the frame rate.
    pub dup_frames: Option<u64>,
    /// Number of frames that were dropped to keep the frame rate.
    pub drop_frames: Option<u64>,
    /// Whether this is the last block.
    pub is_end: bool,
}

/// Assembles lines to blocks. Unknown keys are ignored.
#[derive(Debug, Clone, Default)]
pub struct Parser {
    block: Block,
}

impl Parser {
    /// Parses one line (without its line end) and returns the block that it completes, if any.
    pub fn line(&mut self, line: &str) -> Option<Block> {
        let (key, value) = line.split_once('=')?;
        let value = value.trim();
        match key.trim() {
            "frame" => self.block.frame = value.parse().ok(),
            // `N/A` and negative times, which occur before the first frame, mean that there is no time yet.
            "out_time_us" => self.block.out_time_us = value.parse().ok(),
            "dup_frames" => self.block.dup_frames = value.parse().ok(),
            "drop_frames" => self.block.drop_frames = value.parse().ok(),
            "speed" => {
                let speed = value.trim_end_matches('x').trim_start().parse::<f64>().ok();
                self.block.speed = speed.filter(|speed| speed.is_finite() && *speed > 0.0);
            }
            "progress" => {
                self.block.is_end = value == "end";
                return Some(std::mem::take(&mut self.block));
            }
            _ => {}
        }
        None
    }
}

/// Progress of a run of ffmpeg. It never decreases and never exceeds 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    duration_ms: Option<u64>,
    frames: Option<u64>,
    ratio: f64,
}

/// Progress after a block.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Part that is done, 0 to 1; `None` if the total is unknown.
    pub ratio: Option<f64>,
    /// Speed: seconds of media per second.
    pub speed: Option<f64>,
    /// Estimated time until the end, in milliseconds.
    pub eta_ms: Option<u64>,
}

impl Progress {
    /// Progress of a run that will write `frames` frames and `duration_ms` milliseconds of media, if known.
    #[must_use]
    pub const fn new(duration_ms: Option<u64>, frames: Option<u64>) -> Self {
        Self {
            duration_ms,
            frames,
            ratio: 0.0,
        }
    }

    /// Updates the progress with a block.
    pub fn update(&mut self, block: &Block) -> Reading {
        let part = |done: Option<u64>, total: Option<f64>| match (done, total) {
            (Some(done), Some(total)) if total > 0.0 => real(done) / total,
            _ => 0.0,
        };
        let total_us = self.duration_ms.map(|duration| real(duration) * 1_000.0);
        let ratio = part(block.frame, self.frames.map(real))
            .max(part(block.out_time_us, total_us))
            .clamp(self.ratio, 1.0);
        self.ratio = if block.is_end { 1.0 } else { ratio };
        let is_known = self.duration_ms.is_some() || self.frames.is_some() || block.is_end;
        let eta_ms = match (self.duration_ms, block.speed) {
            (Some(duration_ms), Some(speed)) => {
                Some(whole(real(duration_ms) * (1.0 - self.ratio) / speed))
            }
            (Some(_), None) | (None, Some(_) | None) => None,
        };
        Reading {
            ratio: is_known.then_some(self.ratio),
            speed: block.speed,
            eta_ms,
        }
    }
}
