//! A film in a real browser: Chromium with hls.js.

use tests::{Clip, clip, shared_with_worker};

use super::{follow, make, url};

#[tokio::test(flavor = "multi_thread")]
async fn a_film_plays_to_its_end_on_every_rung_and_in_step_with_its_sound() {
    let stack = shared_with_worker();
    let alice = stack.caller("player", "alice", "user");
    let mut events = follow(&alice).await;
    let (_, film) = make(&alice, &mut events, &Clip::beeps(1280, 720, 25, 8)).await;
    let (hls, original) = (url(&film, "hls_url"), url(&film, "original_url"));
    let seen = clip::node("play.mjs", &[hls, original, "beeps"]);

    let played = &seen["played"];
    assert_eq!(played["errors"], serde_json::json!([]), "{seen}");
    let (duration, end) = (
        played["duration"].as_f64().unwrap(),
        played["end"].as_f64().unwrap(),
    );
    assert!(
        (duration - 8.0).abs() < 0.1 && (end - duration).abs() < 0.2,
        "{seen}"
    );
    assert!(
        played["start"].as_f64().unwrap() < 0.01,
        "the film does not begin at 0: {seen}"
    );
    assert!(
        played["steps"].as_u64().unwrap() > 5,
        "time did not advance: {seen}"
    );
    assert_eq!(
        seen["switched"]["rungs"],
        serde_json::json!([360, 480, 720]),
        "{seen}"
    );
    // Loads that a switch made needless are given up; nothing worse may happen.
    for error in seen["switched"]["errors"].as_array().unwrap() {
        assert_eq!(error, "networkError aborted", "{seen}");
    }

    // Flashes stand at full seconds of the film, and the sound is as far from them as in the original: within a frame.
    let frame = 1.0 / 25.0;
    for media in seen["offset"]["hls"]["media"].as_array().unwrap() {
        let media = media.as_f64().unwrap();
        assert!(
            (media - media.round()).abs() <= 1.5 * frame,
            "a flash at {media} s: {seen}"
        );
    }
    let of = |source: &str| {
        let offset = &seen["offset"][source];
        assert!(offset["count"].as_u64().unwrap() >= 3, "{seen}");
        offset["median"].as_f64().unwrap()
    };
    let drift = of("hls") - of("original");
    assert!(drift.abs() <= frame, "sound is {drift} s off: {seen}");
}
