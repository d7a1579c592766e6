//! Waiting between tries.

use std::time::Duration;

/// Full jitter: each wait is a random time up to a ceiling that doubles.
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

    /// The next wait's length.
    pub(crate) fn next(&mut self) -> Duration {
        let ceiling = self.ceiling;
        self.ceiling = (ceiling * 2).min(self.max);
        // Never nothing: a loop that waits must not spin.
        (ceiling / 8).max(ceiling.mul_f64(fastrand::f64()))
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next()).await;
    }

    /// It worked: the next trouble is a new one.
    pub(crate) const fn reset(&mut self) {
        self.ceiling = self.first;
    }
}
