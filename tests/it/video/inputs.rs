//! Unusual video and audio files: each becomes a valid set of renditions.

use serde_json::Value;
use tests::{Client, Clip, Events, clip, shared_with_worker};

use super::{follow, make, seconds, streams, url};

/// Expected properties of the result.
struct Expected {
    /// Width and height as displayed; `None` for audio.
    size: Option<(u64, u64)>,
    /// Width and height of each rendition.
    rungs: &'static [(u64, u64)],
    audio: usize,
    seconds: f64,
}

const fn video(
    size: (u64, u64),
    rungs: &'static [(u64, u64)],
    audio: usize,
    seconds: f64,
) -> Expected {
    Expected {
        size: Some(size),
        rungs,
        audio,
        seconds,
    }
}

async fn check(client: &Client, events: &mut Events, clip: &Clip, expected: &Expected) -> Value {
    let name = &clip.name;
    let (created, playback) = make(client, events, clip).await;
    let asset = client.asset(&created.asset_id).await.expect(200);
    let size = asset["width"].as_u64().zip(asset["height"].as_u64());
    assert_eq!(size, expected.size, "{name}");
    let hls = url(&playback, "hls_url");
    // ffmpeg 5.1 does not support subtitles in HLS and warns about every such rendition.
    let warnings: Vec<String> = clip::warnings(hls)
        .lines()
        .filter(|line| !line.contains("Can't support the subtitle"))
        .map(str::to_owned)
        .collect();
    assert!(warnings.is_empty(), "{name}: {warnings:?}");
    let parsed = clip::node("parse.mjs", &[hls]);
    let mut rungs: Vec<(u64, u64)> = parsed["variants"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|variant| variant["width"].as_u64().zip(variant["height"].as_u64()))
        .collect();
    rungs.sort_unstable();
    assert_eq!(rungs, expected.rungs, "{name}: {parsed}");
    let mp4 = clip::probe(url(&playback, "mp4_url"));
    assert_eq!(
        streams(&mp4, "audio").len(),
        expected.audio.min(1),
        "{name}: {mp4}"
    );
    for stream in streams(&mp4, "audio") {
        assert!(
            stream["channels"]
                .as_u64()
                .is_some_and(|channels| channels <= 2),
            "{name}: {stream}"
        );
    }
    for stream in streams(&mp4, "video") {
        assert_eq!(
            (&stream["pix_fmt"], &stream["codec_name"]),
            (&"yuv420p".into(), &"h264".into()),
            "{name}"
        );
        assert!(stream["color_transfer"] != "smpte2084", "{name}");
    }
    let length = seconds(&mp4);
    let slack = 0.12_f64.max(expected.seconds * 0.02);
    assert!(
        (length - expected.seconds).abs() <= slack,
        "{name}: {length} s of {} s",
        expected.seconds
    );
    let reported = asset["duration_ms"].as_f64().unwrap() / 1_000.0;
    assert!(
        (reported - expected.seconds).abs() <= slack,
        "{name}: {reported} s reported of {} s",
        expected.seconds
    );
    parsed
}

fn case(name: &str, words: &str, expected: Expected) -> (Clip, Expected) {
    (Clip::made(name, words), expected)
}

const TEST: &str = "-f lavfi -i testsrc2=s=640x360:r=25:d=2";
const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
const SMALL: &[(u64, u64)] = &[(640, 360)];

fn words(parts: &[&str]) -> String {
    parts.join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_and_shapes() {
    let stack = shared_with_worker();
    let alice = stack.caller("inputs", "shapes", "user");
    let mut events = follow(&alice).await;
    let source = |size: &str| format!("-f lavfi -i testsrc2=s={size}:r=25:d=1 {H264}");
    let table = [
        case(
            "no-audio.mp4",
            &source("640x360"),
            video((640, 360), SMALL, 0, 1.0),
        ),
        case(
            "upright.mp4",
            &source("360x640"),
            video((360, 640), &[(360, 640)], 0, 1.0),
        ),
        case(
            "small.mp4",
            &source("16x16"),
            video((16, 16), &[(16, 16)], 0, 1.0),
        ),
        case(
            "odd.mkv",
            "-f lavfi -i testsrc=s=321x181:r=25:d=1 -c:v libx264 -preset ultrafast -pix_fmt yuv444p",
            video((321, 181), &[(320, 180)], 0, 1.0),
        ),
        case(
            "anamorphic.mp4",
            &words(&[
                "-f lavfi -i testsrc2=s=720x576:r=25:d=1 -vf setsar=16/15",
                H264,
            ]),
            video((768, 576), &[(480, 360), (640, 480)], 0, 1.0),
        ),
        case(
            "wide.mp4",
            &source("1280x320"),
            video((1280, 320), &[(1280, 320)], 0, 1.0),
        ),
    ];
    for (clip, expected) in table {
        check(&alice, &mut events, &clip, &expected).await;
    }
    let base = Clip::made("base.mp4", &source("640x360"));
    let rotated = Clip::of("rotated.mp4", rotate(base.bytes));
    check(
        &alice,
        &mut events,
        &rotated,
        &video((360, 640), &[(360, 640)], 0, 1.0),
    )
    .await;
    let dot = Clip::made(
        "dot.mkv",
        "-f lavfi -i testsrc2=s=16x16:r=25:d=1 -vf format=gbrp,scale=1:1 -c:v ffv1",
    );
    let (created, _) = make(&alice, &mut events, &dot).await;
    assert_eq!(alice.asset(&created.asset_id).await.json()["width"], 1);
}

/// Rotates a video by 90° with the matrix of its video track.
fn rotate(mut bytes: Vec<u8>) -> Vec<u8> {
    let at = bytes
        .windows(4)
        .position(|word| word == b"tkhd")
        .expect("a track header");
    // Version 0: the matrix starts 40 bytes after the version field (ISO 14496-12 §8.3.2).
    let matrix = at + 4 + 40;
    let one = 0x0001_0000_i32;
    let values = [0, one, 0, -one, 0, 0, 360 << 16, 0, 0x4000_0000];
    for (index, value) in values.into_iter().enumerate() {
        bytes[matrix + 4 * index..matrix + 4 * index + 4].copy_from_slice(&i32::to_be_bytes(value));
    }
    bytes
}

/// Unusual colour spaces and frame rates.
fn colours_and_rates() -> Vec<(Clip, Expected)> {
    let hdr = |transfer: &str| {
        format!(
            "-f lavfi -i testsrc2=s=640x360:r=25:d=1 -vf format=yuv420p10le,setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc \
             -c:v libx265 -preset ultrafast -x265-params log-level=none:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc -tag:v hvc1"
        )
    };
    vec![
        case(
            "ten-bit.mkv",
            &words(&[TEST, "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le"]),
            video((640, 360), SMALL, 0, 2.0),
        ),
        case(
            "pq.mp4",
            &hdr("smpte2084"),
            video((640, 360), SMALL, 0, 1.0),
        ),
        // The transfer function is the only colour property in the file.
        case(
            "pq-alone.mp4",
            "-f lavfi -i testsrc2=s=640x360:r=25:d=1 -vf format=yuv420p10le,setparams=color_trc=smpte2084 \
             -c:v libx265 -preset ultrafast -x265-params log-level=none:transfer=smpte2084 -tag:v hvc1",
            video((640, 360), SMALL, 0, 1.0),
        ),
        case(
            "hlg.mp4",
            &hdr("arib-std-b67"),
            video((640, 360), SMALL, 0, 1.0),
        ),
        case(
            "interlaced.ts",
            "-f lavfi -i testsrc2=s=720x576:r=50:d=2 -vf interlace,setfield=tff -flags +ilme+ildct -c:v mpeg2video -b:v 4M -f mpegts",
            video((720, 576), &[(450, 360), (600, 480)], 0, 2.0),
        ),
        case(
            "ntsc.mp4",
            &format!("-f lavfi -i testsrc2=s=640x360:r=60000/1001:d=2 {H264}"),
            video((640, 360), SMALL, 0, 2.0),
        ),
        case(
            "fast.mp4",
            &format!("-f lavfi -i testsrc2=s=640x360:r=120:d=1 {H264}"),
            video((640, 360), SMALL, 0, 1.0),
        ),
        case(
            "slow.mp4",
            &format!("-f lavfi -i testsrc2=s=640x360:r=1:d=4 {H264}"),
            video((640, 360), SMALL, 0, 4.0),
        ),
        case(
            "short.mp4",
            &format!("-f lavfi -i testsrc2=s=640x360:r=24:d=0.5 {H264}"),
            video((640, 360), SMALL, 0, 0.5),
        ),
        case(
            "jumpy.mkv",
            &format!(
                "-f lavfi -i testsrc2=s=640x360:r=30:d=3 -vf select=not(mod(n\\,3))+gt(random(0)\\,0.5) -vsync vfr {H264}"
            ),
            video((640, 360), SMALL, 0, 3.0),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn colours_and_frame_rates() {
    let stack = shared_with_worker();
    let alice = stack.caller("inputs", "clocks", "user");
    let mut events = follow(&alice).await;
    let table = colours_and_rates();
    for (clip, expected) in table {
        let parsed = check(&alice, &mut events, &clip, &expected).await;
        let rate = parsed["variants"][0]["rate"].as_f64().unwrap();
        match clip.name.as_str() {
            "fast.mp4" => assert!((59.9..=60.1).contains(&rate), "{rate}"),
            "ntsc.mp4" => assert!((59.93..=59.95).contains(&rate), "{rate}"),
            "slow.mp4" => assert!((0.99..=1.01).contains(&rate), "{rate}"),
            _ => assert!(rate <= 60.0, "{}: {rate}", clip.name),
        }
    }
    let still = Clip::made(
        "still.mp4",
        &format!("-f lavfi -i testsrc2=s=640x360:r=25 -frames:v 1 {H264}"),
    );
    let (_, playback) = make(&alice, &mut events, &still).await;
    assert_eq!(clip::warnings(url(&playback, "hls_url")), "");
}

/// A video with an audio source.
fn with(audio: &str, codec: &str) -> String {
    words(&[TEST, audio, H264, codec, "-shortest"])
}

/// Audio of every channel layout, length and offset.
fn layouts() -> Vec<(Clip, Expected)> {
    vec![
        case(
            "surround.mkv",
            &with(
                "-f lavfi -i anoisesrc=d=2:r=48000 -af pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0",
                "-c:a ac3",
            ),
            video((640, 360), SMALL, 1, 2.0),
        ),
        case(
            "seven.mkv",
            &with(
                "-f lavfi -i anoisesrc=d=2:r=48000 -af pan=7.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0",
                "-c:a flac",
            ),
            video((640, 360), SMALL, 1, 2.0),
        ),
        case(
            "phone.mkv",
            &with("-f lavfi -i sine=d=2:r=8000", "-c:a pcm_s16le -ac 1"),
            video((640, 360), SMALL, 1, 2.0),
        ),
        case(
            "late.mkv",
            &words(&[
                "-itsoffset 5",
                TEST,
                "-itsoffset 5 -f lavfi -i sine=d=2",
                H264,
                "-c:a aac -copyts",
            ]),
            video((640, 360), SMALL, 1, 2.0),
        ),
        case(
            "short-audio.mp4",
            &words(&[
                "-f lavfi -i testsrc2=s=640x360:r=25:d=3 -f lavfi -i sine=d=1",
                H264,
                "-c:a aac",
            ]),
            video((640, 360), SMALL, 1, 3.0),
        ),
    ]
}

/// Every container, and files without video.
fn containers() -> Vec<(Clip, Expected)> {
    let cover = Clip::made("cover.png", "-f lavfi -i testsrc2=s=200x200 -frames:v 1");
    vec![
        case(
            "index-behind.mp4",
            &with("-f lavfi -i sine=d=2", "-c:a aac"),
            video((640, 360), SMALL, 1, 2.0),
        ),
        case(
            "fragments.mp4",
            &with(
                "-f lavfi -i sine=d=2",
                "-c:a aac -movflags frag_keyframe+empty_moov",
            ),
            video((640, 360), SMALL, 1, 2.0),
        ),
        case(
            "video.webm",
            &words(&[
                TEST,
                "-f lavfi -i sine=d=2 -c:v libvpx -deadline realtime -c:a libopus -shortest",
            ]),
            video((640, 360), SMALL, 1, 2.0),
        ),
        case(
            "video.ts",
            &with("-f lavfi -i sine=d=2", "-c:a aac -f mpegts"),
            video((640, 360), SMALL, 1, 2.0),
        ),
        case(
            "video.avi",
            &words(&[
                TEST,
                "-f lavfi -i sine=d=2 -c:v mpeg4 -c:a libmp3lame -shortest",
            ]),
            video((640, 360), SMALL, 1, 2.0),
        ),
        (
            Clip::made_from(
                "song.m4a",
                "-f lavfi -i sine=d=2 -i cover.png -map 0 -map 1 -c:a aac -c:v copy -disposition:v attached_pic -f mp4",
                &[("cover.png", &cover.bytes)],
            ),
            Expected {
                size: None,
                rungs: &[],
                audio: 1,
                seconds: 2.0,
            },
        ),
        case(
            "tone.wav",
            "-f lavfi -i sine=d=2",
            Expected {
                size: None,
                rungs: &[],
                audio: 1,
                seconds: 2.0,
            },
        ),
        case(
            "audio.mp4",
            "-f lavfi -i sine=d=2 -c:a aac",
            Expected {
                size: None,
                rungs: &[],
                audio: 1,
                seconds: 2.0,
            },
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn audio_layouts_and_containers() {
    let stack = shared_with_worker();
    let alice = stack.caller("inputs", "audio", "user");
    let mut events = follow(&alice).await;
    let table = layouts().into_iter().chain(containers());
    for (clip, expected) in table {
        check(&alice, &mut events, &clip, &expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn languages_and_subtitles_become_renditions() {
    let stack = shared_with_worker();
    let alice = stack.caller("inputs", "languages", "user");
    let mut events = follow(&alice).await;
    let text = "1\n00:00:00,500 --> 00:00:01,500\nGuten Tag\n";
    let words = words(&[
        TEST,
        "-f lavfi -i sine=f=300:d=2 -f lavfi -i sine=f=600:d=2 -i subs.srt -map 0 -map 1 -map 2 -map 3",
        H264,
        "-c:a aac -c:s mov_text -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -metadata:s:s:0 language=deu",
    ]);
    let clip = Clip::made_from("languages.mp4", &words, &[("subs.srt", text.as_bytes())]);
    let parsed = check(
        &alice,
        &mut events,
        &clip,
        &video((640, 360), SMALL, 1, 2.0),
    )
    .await;
    let renditions = parsed["renditions"].as_array().unwrap();
    let of = |kind: &str| -> Vec<&Value> {
        renditions
            .iter()
            .filter(|one| one["media"] == kind)
            .collect()
    };
    let audio = of("AUDIO");
    assert_eq!(audio.len(), 2, "{parsed}");
    assert!(
        audio
            .iter()
            .any(|one| one["language"] == "en" || one["language"] == "eng"),
        "{parsed}"
    );
    assert_eq!(
        audio.iter().filter(|one| one["isDefault"] == true).count(),
        1,
        "{parsed}"
    );
    let subtitles = of("SUBTITLES");
    assert_eq!(subtitles.len(), 1, "{parsed}");
    let vtt = alice
        .fetch(subtitles[0]["segments"][0]["url"].as_str().unwrap())
        .await
        .text();
    assert!(
        vtt.starts_with("WEBVTT") && vtt.contains("Guten Tag"),
        "{vtt}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn scattered_damage_does_not_fail_the_job() {
    let stack = shared_with_worker();
    let alice = stack.caller("inputs", "damage", "user");
    let mut events = follow(&alice).await;
    let mut clip = Clip::video(640, 360, 25, 8);
    // After the index, which comes first.
    let start = clip
        .bytes
        .windows(4)
        .position(|word| word == b"mdat")
        .unwrap()
        + 64;
    let span = clip.bytes.len() - start;
    for index in 0..200 {
        let at = start + (index * 7_919 * 13) % span;
        clip.bytes[at] ^= 0x5A;
    }
    let (_, playback) = make(&alice, &mut events, &clip).await;
    assert_eq!(clip::warnings(url(&playback, "hls_url")), "");
    assert!((seconds(&clip::probe(url(&playback, "mp4_url"))) - 8.0).abs() < 0.2);
}
