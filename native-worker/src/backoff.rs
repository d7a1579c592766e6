//! [`Backoff`]: the pauses between tries.

use std::time::Duration;

/// Exponential backoff with full jitter: each pause is random, up to a ceiling that doubles.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    ceiling: Duration,
    max: Duration,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, max: Duration) -> Self {
        Self {
            first,
            ceiling: first,
            max,
        }
    }

    /// Length of the next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = (ceiling * 2).min(self.max);
        // Never zero: a loop that waits must not spin.
        (ceiling / 8).max(ceiling.mul_f64(fastrand::f64()))
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    /// Starts again from the first ceiling, after a success.
    pub(crate) const fn reset(&mut self) {
        self.ceiling = self.first;
    }
}
