//! The progress of a job as its events report it, compared with the clock.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use shared::event::EventType;

use crate::events::watch::Seen;
use crate::report::stats::float;

/// The stage whose progress is measured: the others are short.
const STAGE: &str = "encode";

/// The course of one job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    /// When the event of the start arrived.
    pub(super) started: Instant,
    /// From the start to the end, by the times in the events.
    pub(super) wall: Duration,
    /// Longest time between the arrivals of two events, from the start to the end.
    pub(super) silence: Duration,
    /// Whether the ratio never fell.
    pub(super) is_monotonic: bool,
    /// Largest distance between the share of the encoding that was reported and the share of its time that had passed, 0…1.
    pub(super) error: f64,
    /// Events with a ratio.
    pub(super) count: usize,
}

/// The course that all events of one job report.
pub(super) fn course(events: &[Seen]) -> Result<Course> {
    let is_start = |seen: &Seen| seen.event.event_type == EventType::ProcessingStarted;
    let start = events.iter().position(is_start);
    let events = start.and_then(|start| events.get(start..));
    let events = events.context("there is no event of the start")?;
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Err(anyhow::anyhow!("there are no events"));
    };
    let times: Vec<Instant> = events.iter().map(|seen| seen.at).collect();
    let ratios: Vec<(f64, f64, bool)> = events
        .iter()
        .filter_map(|seen| {
            let progress = seen.event.progress.as_ref()?;
            let since = seen.at.duration_since(first.at).as_secs_f64();
            Some((since, progress.ratio?, progress.stage == STAGE))
        })
        .collect();
    let encoding: Vec<(f64, f64)> = ratios
        .iter()
        .filter(|(_, _, is_encoding)| *is_encoding)
        .map(|(since, ratio, _)| (*since, *ratio))
        .collect();
    Ok(Course {
        started: first.at,
        wall: Duration::from_millis(last.event.time.ms_since(first.event.time)),
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

/// Largest vertical distance of points from the line between the first and the last, as a share of its height; 1 without a line.
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
        assert!(
            distance(&[(0.0, 0.5)]) > 0.99,
            "one point does not make a line"
        );
    }
}
