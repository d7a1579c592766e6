//! A video from upload to its renditions: progress, early playback, and the outputs.

use std::time::Duration;

use serde_json::Value;
use tests::{Clip, Created, Event, Events, clip, shared_with_worker};

use super::{end, follow, make, playback, seconds, streams, upload, url};

fn progress_of<'a>(events: &'a Events, created: &Created) -> Vec<&'a Event> {
    events
        .seen()
        .iter()
        .filter(|event| event.is("processing_progress", &created.asset_id))
        .collect()
}

/// Checks that progress only grows, and that it has a stage and names each rendition.
fn check_progress(progress: &[&Event]) {
    let mut last = 0.0;
    let mut names = std::collections::BTreeSet::new();
    for event in progress {
        let progress = &event.data["progress"];
        assert!(
            progress["stage"]
                .as_str()
                .is_some_and(|stage| !stage.is_empty()),
            "{progress}"
        );
        if let Some(ratio) = progress["ratio"].as_f64() {
            assert!(
                (last..=1.0).contains(&ratio),
                "{last} was reported before {progress}"
            );
            last = ratio;
        }
        for rendition in progress["renditions"].as_array().into_iter().flatten() {
            names.insert(rendition["name"].as_str().unwrap_or_default().to_owned());
        }
    }
    assert!(last > 0.5, "progress ends at {last}");
    assert!(
        names.is_superset(&["360p", "480p", "720p"].map(str::to_owned).into()),
        "{names:?}"
    );
    let encode = |event: &&&Event| event.data["progress"]["stage"] == "encode";
    let has_estimate = progress.iter().filter(encode).any(|event| {
        let progress = &event.data["progress"];
        progress["speed"].as_f64().is_some_and(|speed| speed > 0.0) && progress["eta_ms"].is_u64()
    });
    assert!(has_estimate, "no speed and no estimate while encoding");
    let times: Vec<_> = progress
        .iter()
        .filter(encode)
        .map(|event| event.at)
        .collect();
    let gap = times
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap_or_default();
    assert!(gap < Duration::from_secs(5), "no progress for {gap:?}");
}

/// Checks every playlist with an independent parser, and that every segment exists.
async fn check_playlists(
    client: &tests::Client,
    hls_url: &str,
    duration: f64,
    rungs: &[(u64, u64)],
) {
    let hls = clip::node("parse.mjs", &[hls_url]);
    assert_eq!(hls["type"], "application/vnd.apple.mpegurl");
    assert_eq!(hls["independent"], true);
    let variants = hls["variants"].as_array().unwrap();
    let mut sizes: Vec<(u64, u64)> = variants
        .iter()
        .map(|variant| {
            (
                variant["width"].as_u64().unwrap(),
                variant["height"].as_u64().unwrap(),
            )
        })
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, rungs);
    let all = variants.iter().chain(hls["renditions"].as_array().unwrap());
    for playlist in all {
        assert_eq!(
            (&playlist["ended"], &playlist["kind"]),
            (&true.into(), &"VOD".into())
        );
        let segments = playlist["segments"].as_array().unwrap();
        let sum: f64 = segments
            .iter()
            .map(|segment| segment["duration"].as_f64().unwrap())
            .sum();
        assert!(
            (sum - duration).abs() < 0.1,
            "{sum} s of {duration} s: {playlist}"
        );
        for segment in segments {
            let answer = client.fetch(segment["url"].as_str().unwrap()).await;
            assert_eq!(answer.status, 200, "{segment}");
            assert!(!answer.body.is_empty(), "{segment}");
            assert!(
                segment["duration"].as_f64()
                    <= playlist["target"].as_f64().map(|target| target + 0.5)
            );
        }
    }
    for variant in variants {
        check_rates(client, variant, &hls["renditions"]).await;
    }
}

/// Compares the bit rates in the master playlist with the segments of a variant.
async fn check_rates(client: &tests::Client, variant: &Value, renditions: &Value) {
    let mut peak: f64 = 0.0;
    let (mut bits, mut length) = (0.0, 0.0);
    let audio = &renditions[0]["segments"];
    for (index, segment) in variant["segments"].as_array().unwrap().iter().enumerate() {
        let seconds = segment["duration"].as_f64().unwrap();
        let mut size = client
            .fetch(segment["url"].as_str().unwrap())
            .await
            .body
            .len();
        if let Some(url) = audio[index]["url"].as_str() {
            size += client.fetch(url).await.body.len();
        }
        let segment_bits = 8.0 * f64::from(u32::try_from(size).unwrap());
        peak = peak.max(segment_bits / seconds);
        bits += segment_bits;
        length += seconds;
    }
    let (said, average) = (
        variant["bandwidth"].as_f64().unwrap(),
        variant["average"].as_f64().unwrap(),
    );
    assert!(
        (0.9..=1.2).contains(&(said / peak)),
        "BANDWIDTH {said}, measured {peak}"
    );
    assert!(
        (0.9..=1.1).contains(&(average / (bits / length))),
        "AVERAGE-BANDWIDTH {average}, measured {}",
        bits / length
    );
    let codecs = variant["codecs"].as_str().unwrap();
    assert!(
        codecs.starts_with("avc1.") && codecs.contains("mp4a.40.2"),
        "{codecs}"
    );
    assert!((variant["rate"].as_f64().unwrap() - 25.0).abs() < 0.01);
}

#[tokio::test(flavor = "multi_thread")]
async fn renditions_match_their_playlists() {
    let stack = shared_with_worker();
    let alice = stack.caller("video", "alice", "user");
    let mut events = follow(&alice).await;
    let clip = Clip::video(1280, 720, 25, 8);
    let created = upload(&alice, &clip).await;

    // The original can be played at once, by ranges.
    let first = playback(&alice, &created).await;
    let original = url(&first, "original_url").to_owned();
    let answer = alice.fetch(&original).await;
    let target = if answer.status == 302 {
        answer.header("location").to_owned()
    } else {
        original
    };
    let part = alice
        .fetch_with(
            reqwest::Method::GET,
            &target,
            &[("range", "bytes=0-99")],
            Vec::new(),
        )
        .await;
    assert_eq!(
        (part.status, part.body.as_slice()),
        (206, &clip.bytes[..100])
    );

    let event = end(&mut events, &created).await;
    assert_eq!(event.name, "processing_complete", "{}", event.data);
    crate::log::check_life(events.seen(), &created.asset_id, "processing_complete");
    check_progress(&progress_of(&events, &created));

    let asset = alice.asset(&created.asset_id).await.expect(200);
    assert_eq!(
        (&asset["state"], &asset["kind"]),
        (&"ready".into(), &"video".into())
    );
    assert_eq!(
        (&asset["width"], &asset["height"]),
        (&1280.into(), &720.into())
    );
    let duration = asset["duration_ms"].as_u64().unwrap();
    assert!((7_950..=8_100).contains(&duration), "{duration} ms");

    let playback = playback(&alice.without_token(), &created).await;
    assert_eq!(playback["duration_ms"], duration);
    let hls = url(&playback, "hls_url");
    check_playlists(&alice, hls, 8.0, &[(640, 360), (854, 480), (1280, 720)]).await;
    assert_eq!(clip::warnings(hls), "");

    let mp4 = alice.fetch(url(&playback, "mp4_url")).await;
    assert_eq!((mp4.status, mp4.header("content-type")), (200, "video/mp4"));
    let place = |name: &[u8]| mp4.body.windows(4).position(|word| word == name).unwrap();
    assert!(
        place(b"moov") < place(b"mdat"),
        "the index is not at the start"
    );
    let probe = clip::probe(url(&playback, "mp4_url"));
    assert_eq!(
        (
            streams(&probe, "video").len(),
            streams(&probe, "audio").len()
        ),
        (1, 1)
    );
    assert!((seconds(&probe) - 8.0).abs() < 0.1, "{probe}");
    check_stills(&alice, &asset, &playback).await;
}

/// Poster, thumbnail and storyboard.
async fn check_stills(client: &tests::Client, asset: &Value, playback: &Value) {
    let output = |name: &str| {
        let outputs = asset["outputs"].as_array().unwrap();
        let found = outputs.iter().find(|output| output["name"] == name);
        found
            .unwrap_or_else(|| panic!("no {name}: {asset}"))
            .clone()
    };
    let decode = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().to_rgb8();
    let poster = decode(&client.fetch(url(playback, "poster_url")).await.body);
    assert_eq!(poster.dimensions(), (1280, 720));
    let thumbnail = client.fetch(url(&output("thumbnail"), "url")).await;
    assert_eq!(thumbnail.header("content-type"), "image/jpeg");
    assert_eq!(decode(&thumbnail.body).dimensions(), (320, 240));
    let storyboard = client.fetch(url(playback, "storyboard_url")).await;
    assert!(storyboard.header("content-type").starts_with("text/vtt"));
    let text = storyboard.text();
    assert!(text.starts_with("WEBVTT"), "{text}");
    let cue = text.lines().find(|line| line.contains("#xywh=")).unwrap();
    let base = url(playback, "storyboard_url").rsplit_once('/').unwrap().0;
    let sprite = client
        .fetch(&format!("{base}/{}", cue.split('#').next().unwrap()))
        .await;
    assert_eq!(sprite.status, 200, "{cue}");
    assert!(decode(&sprite.body).width() >= 160);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rendition_plays_before_the_others_are_ready() {
    let stack = shared_with_worker();
    let alice = stack.caller("video", "early", "user");
    let mut events = follow(&alice).await;
    // Long enough to be seen while it is encoded.
    let clip = Clip::video(1280, 720, 30, 40);
    let created = upload(&alice, &clip).await;
    let hls = loop {
        events
            .next_of("processing_progress", &created.asset_id)
            .await;
        let early = playback(&alice, &created).await;
        if let Some(hls) = early["hls_url"].as_str() {
            assert_eq!(early["state"], "processing");
            assert!(
                early["duration_ms"].as_u64().is_some_and(|ms| ms > 39_000),
                "{early}"
            );
            break hls.to_owned();
        }
    };
    let growing = clip::node("parse.mjs", &[&hls]);
    assert_eq!(growing["variants"][0]["ended"], false, "{growing}");
    let first = growing["variants"][0]["segments"][0]["url"]
        .as_str()
        .unwrap();
    assert_eq!(alice.fetch(first).await.status, 200);
    let answer = alice.fetch(&hls).await;
    assert!(
        !answer.header("cache-control").contains("immutable"),
        "a growing playlist: {}",
        answer.header("cache-control")
    );
    let event = end(&mut events, &created).await;
    assert_eq!(event.name, "processing_complete", "{}", event.data);
    let done = playback(&alice, &created).await;
    assert_eq!(
        url(&done, "hls_url"),
        hls,
        "an early player continues with the same URL"
    );
    let whole = clip::node("parse.mjs", &[&hls]);
    assert_eq!(whole["variants"][0]["ended"], true);
    assert_eq!(whole["variants"][0]["segments"][0]["url"], first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_of_common_codecs_is_remuxed_before_it_is_encoded() {
    let stack = shared_with_worker();
    let alice = stack.caller("video", "remux", "user");
    let mut events = follow(&alice).await;
    let words = "-f lavfi -i testsrc2=s=1280x720:r=25:d=30 -f lavfi -i sine=d=30 -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac \
                 -metadata title=secret -metadata location=+52.5+013.4/";
    let created = upload(&alice, &Clip::made("video.mkv", words)).await;
    // An event names the output as soon as it can be played.
    loop {
        let event = events
            .next_of("processing_progress", &created.asset_id)
            .await;
        let outputs = event.data["progress"]["outputs"].as_array();
        if outputs.is_some_and(|outputs| outputs.iter().any(|name| name == "remux")) {
            break;
        }
    }
    let early = playback(&alice, &created).await;
    assert_eq!(early["state"], "processing");
    let remux = alice.fetch(url(&early, "mp4_url")).await;
    assert_eq!(remux.status, 200);
    assert!(
        !remux.text().contains("secret") && !remux.text().contains("+52.5"),
        "metadata of the source"
    );
    assert!((seconds(&clip::probe(url(&early, "mp4_url"))) - 30.0).abs() < 0.1);
    let event = end(&mut events, &created).await;
    assert_eq!(event.name, "processing_complete", "{}", event.data);
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_becomes_one_rendition() {
    let stack = shared_with_worker();
    let alice = stack.caller("video", "audio", "user");
    let mut events = follow(&alice).await;
    let (created, playback) = make(
        &alice,
        &mut events,
        &Clip::made("tone.mp3", "-f lavfi -i sine=d=5 -c:a libmp3lame"),
    )
    .await;
    let asset = alice.asset(&created.asset_id).await.expect(200);
    assert_eq!(
        (&asset["kind"], &asset["width"]),
        (&"audio".into(), &Value::Null)
    );
    let hls = url(&playback, "hls_url");
    assert_eq!(clip::warnings(hls), "");
    assert!(streams(&clip::probe(hls), "video").is_empty());
    assert!((seconds(&clip::probe(url(&playback, "mp4_url"))) - 5.0).abs() < 0.2);
}
