//! Times of the stories: each prints how long it took, and how long it waited for its turn.

use std::cell::Cell;
use std::io::Write as _;
use std::time::{Duration, Instant};

thread_local! {
    static STORY: Story = Story::begin();
}

/// One story, from its first use of a stack to its end: the test runner gives each test a thread of its own.
struct Story {
    began: Instant,
    waited: Cell<Duration>,
}

impl Story {
    fn begin() -> Self {
        Self {
            began: Instant::now(),
            waited: Cell::default(),
        }
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        let thread = std::thread::current();
        let (took, waited) = (self.began.elapsed(), self.waited.get());
        // Not by `eprintln!`, which the test runner captures. Without stderr nobody reads the times.
        let _ = writeln!(
            std::io::stderr(),
            "{:7.1} s, {:6.1} s of it waiting: {}",
            took.as_secs_f64(),
            waited.as_secs_f64(),
            thread.name().unwrap_or("a story"),
        );
    }
}

/// Begins the time of this thread's story, unless it has begun.
pub(crate) fn begin() {
    STORY.with(|_| {});
}

/// Notes that this thread's story has waited for a stack, or for its turn on one, since `start`.
pub fn waited_since(start: Instant) {
    STORY.with(|story| story.waited.set(story.waited.get() + start.elapsed()));
}
