//! Deadlines and the retry delay.

use proptest::prelude::*;
use shared::job::{BACKOFF_BASE_MS, BACKOFF_MAX_MS, DEADLINE_MS, backoff_ms, deadline_min};
use shared::time::Timestamp;

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);

#[test]
fn a_long_video_gets_six_times_its_duration() {
    for (duration_ms, ms) in [
        (0, DEADLINE_MS),
        (300_000, DEADLINE_MS),
        (300_001, 1_800_006),
        (7_200_000, 43_200_000),
    ] {
        assert_eq!(deadline_min(NOW, duration_ms), NOW.plus_ms(ms));
    }
    // Even an absurd duration results in a valid time.
    assert!(deadline_min(NOW, u64::MAX) > NOW);
}

/// Ceilings of the retry delay after the n-th failure, in seconds.
const CEILINGS_S: [u64; 12] = [5, 5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900];

#[test]
fn backoff_reaches_exactly_its_ceiling() {
    for (failures, ceiling_s) in (0..).zip(CEILINGS_S) {
        let ceiling = ceiling_s * 1_000;
        assert_eq!(
            backoff_ms(failures, ceiling),
            ceiling,
            "{failures} failures"
        );
        assert_eq!(backoff_ms(failures, ceiling + 1), 0, "{failures} failures");
    }
    assert_eq!(backoff_ms(1, BACKOFF_BASE_MS), BACKOFF_BASE_MS);
    assert_eq!(backoff_ms(u32::MAX, BACKOFF_MAX_MS), BACKOFF_MAX_MS);
}

proptest! {
    #[test]
    fn backoff_stays_below_its_ceiling(failures: u32, jitter: u64) {
        let index = usize::try_from(failures.min(11)).unwrap();
        prop_assert!(backoff_ms(failures, jitter) <= CEILINGS_S[index] * 1_000);
    }
}
