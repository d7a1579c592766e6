//! Playback in a real browser: Chromium with hls.js.

use tests::{Clip, clip, shared_with_worker};

use super::{follow, make, url};

#[tokio::test(flavor = "multi_thread")]
async fn a_video_plays_to_its_end_on_every_rung_with_audio_in_sync() {
    let stack = shared_with_worker();
    let alice = stack.caller("player", "alice", "user");
    let mut events = follow(&alice).await;
    let (_, playback) = make(&alice, &mut events, &Clip::beeps(1280, 720, 25, 8)).await;
    let (hls, original) = (url(&playback, "hls_url"), url(&playback, "original_url"));
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
        "the video does not start at 0: {seen}"
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
    // A switch empties the buffer and aborts loads that are no longer needed. Where other stories use the cores, the player then
    // waits for the new rung for a moment and reports that, too. No other error is allowed, and each rung must be shown.
    let of_a_switch = ["networkError aborted", "mediaError bufferStalledError"];
    for error in seen["switched"]["errors"].as_array().unwrap() {
        assert!(
            of_a_switch.iter().any(|expected| error == expected),
            "{seen}"
        );
    }

    // Flashes are at full seconds of the video, and the audio offset equals that of the original within one frame.
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
    assert!(
        drift.abs() <= frame,
        "the audio is off by {drift} s: {seen}"
    );
}

/// When video ends before audio, its last frame is repeated: otherwise players wait for more of it, with two languages for ever.
#[tokio::test(flavor = "multi_thread")]
async fn audio_in_two_languages_plays_on_after_the_video_has_ended() {
    let stack = shared_with_worker();
    let alice = stack.caller("player", "bob", "user");
    let mut events = follow(&alice).await;
    let clip = Clip::made(
        "two.mp4",
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=3 -f lavfi -i sine=frequency=440:sample_rate=48000:duration=8 \
         -f lavfi -i sine=frequency=660:sample_rate=48000:duration=8 -map 0 -map 1 -map 2 -c:v libx264 -preset ultrafast \
         -pix_fmt yuv420p -c:a aac -metadata:s:a:0 language=eng -metadata:s:a:1 language=fra",
    );
    let (_, playback) = make(&alice, &mut events, &clip).await;
    let (hls, original) = (url(&playback, "hls_url"), url(&playback, "original_url"));
    let played = &clip::node("play.mjs", &[hls, original])["played"];
    assert_eq!(played["errors"], serde_json::json!([]), "{played}");
    let (duration, end) = (&played["duration"], &played["end"]);
    for time in [duration, end] {
        assert!((time.as_f64().unwrap() - 8.0).abs() < 0.2, "{played}");
    }
}
