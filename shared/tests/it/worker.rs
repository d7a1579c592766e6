//! The state of native workers.

use shared::time::Timestamp;
use shared::worker::{GONE_AFTER_MS, ReportedState, WorkerRecord, WorkerState};

const SEEN_AT: Timestamp = Timestamp::from_ms(1_767_225_600_000);

#[test]
fn the_state_follows_from_what_is_known() {
    use ReportedState as Reported;
    use WorkerState::{Active, Draining, Gone, Starting};
    // Report, has stopped, drained by an admin, has pulled; state while it is seen.
    let table = [
        (Reported::Active, false, false, false, Starting),
        (Reported::Active, false, false, true, Active),
        (Reported::Active, false, true, false, Draining),
        (Reported::Active, false, true, true, Draining),
        (Reported::Draining, false, false, true, Draining),
        (Reported::Draining, false, true, false, Draining),
        (Reported::Draining, true, false, true, Gone),
        (Reported::Draining, true, true, true, Gone),
        (Reported::Active, true, false, false, Gone),
    ];
    for (reported, stopped, drain, has_pulled, expected) in table {
        let record = WorkerRecord {
            reported,
            stopped,
            drain,
            has_pulled,
            seen_at: SEEN_AT,
        };
        let last = SEEN_AT.plus_ms(GONE_AFTER_MS - 1);
        for now in [SEEN_AT.minus_ms(5_000), SEEN_AT, last] {
            assert_eq!(record.state(now), expected, "{record:?} at {now}");
        }
        assert_eq!(record.state(last.plus_ms(1)), Gone, "{record:?}");
    }
}
