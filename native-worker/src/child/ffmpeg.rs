//! [`Watch`]: runs an ffmpeg child to its end. Its progress is passed on; a child that hangs or takes too long is killed.
//! Dropping the future also kills the child.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shared::problem::ErrorCode;
use shared::video::progress::{Block, Parser};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::ChildStdout;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::group::{Child, Exit};
use crate::work_error::WorkError;

/// Interval at which the child is checked.
const TICK: Duration = Duration::from_millis(250);

/// Counts signs of life besides the child's own progress: bytes that it was sent, files that it wrote.
#[derive(Debug, Clone, Default)]
pub struct Activity(Arc<AtomicU64>);

impl Activity {
    /// Counts one sign of life.
    pub fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// When a child is killed.
#[derive(Debug, Clone)]
pub struct Watch {
    /// How long it may run without progress.
    pub stall: Duration,
    /// When it must have ended.
    pub deadline: Instant,
    /// Signs of life besides its own progress.
    pub activity: Activity,
}

/// A child that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// Whether it wrote `progress=end`.
    pub is_complete: bool,
}

/// The latest sign of life.
struct Life {
    position: (Option<u64>, Option<u64>),
    count: u64,
    at: Instant,
}

impl Watch {
    /// Runs `child`, whose stdout is that of `-progress pipe:1`. `on_block` is called with every block.
    ///
    /// # Errors
    ///
    /// If the child stalls, exceeds the deadline or cannot be run. How it ended is not checked.
    pub async fn run(
        &self,
        mut child: Child,
        mut on_block: impl FnMut(&Block),
    ) -> Result<Ended, WorkError> {
        let mut lines = child.take_stdout().map(|out| BufReader::new(out).lines());
        let mut parser = Parser::default();
        let mut is_complete = false;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut life = Life {
            position: (None, None),
            count: self.activity.count(),
            at: Instant::now(),
        };
        loop {
            tokio::select! {
                next = next(&mut lines) => match next.map_err(|why| broken(&why))? {
                    Some(text) => {
                        if let Some(block) = parser.line(&text) {
                            let position = (block.frame, block.out_time_us);
                            if position != life.position {
                                (life.position, life.at) = (position, Instant::now());
                            }
                            is_complete |= block.is_end;
                            on_block(&block);
                        }
                    }
                    None => lines = None,
                },
                // Only after its last line: a pipe may still hold lines of a child that has ended.
                ended = child.ended(), if lines.is_none() => {
                    ended.map_err(|why| broken(&why))?;
                    let exit = child.wait().await.map_err(|why| broken(&why))?;
                    return Ok(Ended { exit, is_complete });
                }
                _ = ticks.tick() => {
                    child.measure_memory();
                    self.check(&child, &mut life)?;
                }
            }
        }
    }

    /// Fails if the child stalls or exceeds the deadline. The caller then drops the child, which kills it.
    fn check(&self, child: &Child, life: &mut Life) -> Result<(), WorkError> {
        let now = Instant::now();
        let count = self.activity.count();
        // A paused child does not stall: this worker has paused it.
        if count != life.count || child.valve().is_closed() {
            (life.count, life.at) = (count, now);
        }
        if now.duration_since(life.at) > self.stall {
            return Err(WorkError::retryable(
                ErrorCode::EncodeStalled,
                format!(
                    "The encoder made no progress for {} s and was killed. The job is tried again.",
                    self.stall.as_secs_f64()
                ),
            ));
        }
        if now > self.deadline {
            return Err(WorkError::retryable(
                ErrorCode::EncodeStalled,
                "The encoder exceeded the time limit for a file of this length and was killed. The job is tried again.",
            ));
        }
        Ok(())
    }
}

async fn next(lines: &mut Option<Lines<BufReader<ChildStdout>>>) -> io::Result<Option<String>> {
    match lines {
        Some(lines) => lines.next_line().await,
        None => std::future::pending().await,
    }
}

/// A child cannot be started or read: a fault of the machine.
pub(crate) fn broken(why: &io::Error) -> WorkError {
    WorkError::retryable(
        ErrorCode::WorkerExhausted,
        format!("The encoder cannot be run: {why}. The job is tried again."),
    )
}
