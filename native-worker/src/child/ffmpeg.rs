//! Watches a child to its end: progress is passed on; a child that hangs or takes too long is killed. (One that is not
//! wanted any more is dropped, with the future that watches it.)

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

/// How often the watchdogs look.
const TICK: Duration = Duration::from_millis(250);

/// Counts what is done besides the child's own word: bytes that it was fed, files that it wrote.
#[derive(Debug, Clone, Default)]
pub struct Activity(Arc<AtomicU64>);

impl Activity {
    /// Something was done.
    pub fn note(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// When to give up on a child.
#[derive(Debug, Clone)]
pub struct Watch {
    /// How long nothing may change.
    pub stall: Duration,
    /// When it must be over.
    pub deadline: Instant,
    /// What counts as life besides its own word.
    pub activity: Activity,
}

/// How a child was run.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub exit: Exit,
    /// Whether it said `progress=end`.
    pub is_complete: bool,
}

/// What was seen of life.
struct Life {
    word: (Option<u64>, Option<u64>),
    count: u64,
    at: Instant,
}

impl Watch {
    /// Runs `child`, whose stdout is that of `-progress pipe:1`. `seen` hears every block.
    pub async fn run(
        &self,
        mut child: Child,
        mut seen: impl FnMut(&Block),
    ) -> Result<Ended, WorkError> {
        let mut lines = child.take_stdout().map(|out| BufReader::new(out).lines());
        let mut parser = Parser::default();
        let mut is_complete = false;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut life = Life {
            word: (None, None),
            count: self.activity.count(),
            at: Instant::now(),
        };
        loop {
            tokio::select! {
                next = next(&mut lines) => match next.map_err(|why| broken(&why))? {
                    Some(text) => {
                        if let Some(block) = parser.line(&text) {
                            let word = (block.frame, block.out_time_us);
                            if word != life.word {
                                (life.word, life.at) = (word, Instant::now());
                            }
                            is_complete |= block.is_end;
                            seen(&block);
                        }
                    }
                    None => lines = None,
                },
                // After its last line: a pipe keeps what was said before the end.
                ended = child.ended(), if lines.is_none() => {
                    ended.map_err(|why| broken(&why))?;
                    let exit = child.wait().await.map_err(|why| broken(&why))?;
                    return Ok(Ended { exit, is_complete });
                }
                _ = ticks.tick() => {
                    child.look_at_memory();
                    self.check(&child, &mut life)?;
                }
            }
        }
    }

    /// An error here drops the child, which kills it.
    fn check(&self, child: &Child, life: &mut Life) -> Result<(), WorkError> {
        let now = Instant::now();
        let count = self.activity.count();
        // Held back is not stalled: the valve is ours.
        if count != life.count || child.valve().is_closed() {
            (life.count, life.at) = (count, now);
        }
        if now.duration_since(life.at) > self.stall {
            return Err(WorkError::retryable(
                ErrorCode::EncodeStalled,
                format!(
                    "The encoder made no progress for {} s and was ended. It is tried again.",
                    self.stall.as_secs_f64()
                ),
            ));
        }
        if now > self.deadline {
            return Err(WorkError::retryable(
                ErrorCode::EncodeStalled,
                "The encoder took longer than a file of this length may take and was ended. It is tried again.",
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

/// The line to a child broke, which is the machine's fault.
pub(crate) fn broken(why: &io::Error) -> WorkError {
    WorkError::retryable(
        ErrorCode::WorkerExhausted,
        format!("The encoder cannot be run: {why}. It is tried again."),
    )
}
