//! What the events tell of the progress, held against the clock.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use shared::event::{Event, EventType};

use crate::report::stats::float;

/// The stage whose progress is measured: the others are short.
const STAGE: &str = "encode";

/// The course of one job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    /// When the start of the work was heard.
    pub(super) started: Instant,
    /// From the start to the end, by the events' own times.
    pub(super) wall: Duration,
    /// Longest time between two events, from the start to the end.
    pub(super) silence: Duration,
    /// Did the share never fall?
    pub(super) is_monotonic: bool,
    /// Largest distance of the share of the encoding from the share of its time that had passed then, 0…1.
    pub(super) error: f64,
    /// Events of progress.
    pub(super) count: usize,
}

/// What the events of one job tell, its start and its end among them.
pub(super) fn course(events: &[(Instant, Event)]) -> Result<Course> {
    let mut events = events
        .iter()
        .skip_while(|(_, event)| event.event_type != EventType::ProcessingStarted)
        .peekable();
    let (started, first) = events.peek().copied().context("the work never started")?;
    let events: Vec<_> = events.collect();
    let (_, last) = events.last().context("the work never ended")?;
    let times: Vec<Instant> = events.iter().map(|(at, _)| *at).collect();
    let ratios: Vec<(f64, f64, bool)> = events
        .iter()
        .filter_map(|(at, event)| {
            let progress = event.progress.as_ref()?;
            let since = at.duration_since(*started).as_secs_f64();
            Some((since, progress.ratio?, progress.stage == STAGE))
        })
        .collect();
    let encoding: Vec<(f64, f64)> = ratios
        .iter()
        .filter(|(_, _, is_encoding)| *is_encoding)
        .map(|(since, ratio, _)| (*since, *ratio))
        .collect();
    Ok(Course {
        started: *started,
        wall: Duration::from_millis(last.time.ms_since(first.time)),
        silence: times
            .windows(2)
            .filter_map(|pair| Some(pair.last()?.duration_since(*pair.first()?)))
            .max()
            .unwrap_or_default(),
        is_monotonic: ratios.is_sorted_by(|one, other| one.1 <= other.1),
        error: distance(&encoding),
        count: ratios.len(),
    })
}

/// Largest distance of points from the line between the first and the last, as a share of its height.
pub(super) fn distance(points: &[(f64, f64)]) -> f64 {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return 1.0;
    };
    let (width, height) = (last.0 - first.0, last.1 - first.1);
    if width <= 0.0 || height <= 0.0 {
        return 1.0;
    }
    points
        .iter()
        .map(|(x, y)| ((y - first.1) / height - (x - first.0) / width).abs())
        .fold(0.0, f64::max)
}

/// A share in per cent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * float(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_shares_of_the_height() {
        let share = distance(&[(0.0, 0.2), (1.0, 0.4), (2.0, 0.8)]);
        assert!((share - 1.0 / 6.0).abs() < 1e-9, "{share}");
        assert!(distance(&[(0.0, 0.0), (5.0, 0.5), (10.0, 1.0)]) < 1e-9);
        assert!(distance(&[(0.0, 0.5)]) > 0.99, "one point is no line");
    }
}
