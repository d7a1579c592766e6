//! Stages of the work, measured.

use std::time::Instant;

use crate::meters::METERS;

/// Awaits `work`, and counts how long the stage took.
pub async fn timed<T>(stage: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let done = work.await;
    METERS.stage_took(stage, begun.elapsed());
    done
}
