//! Invariants of every event log.

use serde_json::Value;
use tests::Event;

/// Checks that these are consecutive entries of one log, without gap or repetition. Snapshots and resets are not entries.
pub(crate) fn check_gapless<'event>(events: impl IntoIterator<Item = &'event Event>) {
    let mut last: Option<(String, u64)> = None;
    for event in events {
        if ["snapshot", "reset"].contains(&event.name.as_str()) {
            continue;
        }
        let (generation, seq) = event.id.split_once('-').unwrap();
        let seq: u64 = seq.parse().unwrap();
        assert_eq!(event.data["seq"], seq, "{}", event.data);
        if let Some((generation_before, seq_before)) = last {
            assert_eq!(generation, generation_before);
            assert_eq!(seq, seq_before + 1, "{} {}", event.name, event.data);
        }
        last = Some((generation.to_owned(), seq));
    }
    assert!(last.is_some(), "no events");
}

/// Checks the events of one asset from its upload to `end`: their order, and that progress rises in each attempt.
/// Returns the number of attempts.
pub(crate) fn check_life<'event>(
    events: impl IntoIterator<Item = &'event Event>,
    asset_id: &str,
    end: &str,
) -> u64 {
    let events: Vec<&Event> = events
        .into_iter()
        .filter(|event| event.asset_id() == asset_id)
        .collect();
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(
        names.get(..2),
        Some(["upload_started", "upload_complete"].as_slice()),
        "{asset_id}: {names:?}"
    );
    assert_eq!(names.last(), Some(&end), "{asset_id}: {names:?}");
    let (mut attempt, mut ratio) = (0, 0.0);
    for event in &events[2..events.len() - 1] {
        let data = &event.data;
        match event.name.as_str() {
            "processing_started" => {
                let next = data["attempt"].as_u64().unwrap();
                assert!(next > attempt, "{asset_id}: {names:?}");
                (attempt, ratio) = (next, 0.0);
            }
            "processing_progress" => {
                assert_eq!(data["attempt"], attempt, "{data}");
                let next = data["progress"]["ratio"].as_f64().unwrap();
                assert!(next >= ratio && next <= 1.0, "{data}");
                ratio = next;
            }
            name => panic!("{asset_id}: unexpected {name} in {names:?}"),
        }
    }
    assert!(attempt > 0, "{asset_id}: {names:?}");
    assert_eq!(events.last().unwrap().data["attempt"], attempt);
    attempt
}

/// Checks that no event id occurs twice.
pub(crate) fn check_unique<'event>(events: impl IntoIterator<Item = &'event Event>) {
    let mut ids: Vec<&Value> = events
        .into_iter()
        .map(|event| &event.data["event_id"])
        .filter(|id| !id.is_null())
        .collect();
    let count = ids.len();
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    assert_eq!(ids.len(), count, "an event was published twice");
}
