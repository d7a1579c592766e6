//! Real reports of ffprobe 5.1 and the extracted facts, and malformed reports.

use std::fmt::Write as _;

use proptest::prelude::*;
use shared::video::Source;
use shared::video::probe::Report;
use shared::video::source::DynamicRange;

const REPORTS: [(&str, &str); 11] = [
    (
        "all.mp4: cover art, two languages, mov_text",
        include_str!("ffprobe/all.mp4.json"),
    ),
    (
        "all.mkv: lengths in tags",
        include_str!("ffprobe/all.mkv.json"),
    ),
    (
        "rot.mp4: rotated by a display matrix",
        include_str!("ffprobe/rot.mp4.json"),
    ),
    (
        "inter.mpg: interlaced, anamorphic, start ≠ 0",
        include_str!("ffprobe/inter.mpg.json"),
    ),
    ("pq.mp4: HDR10", include_str!("ffprobe/pq.mp4.json")),
    (
        "live.webm: no duration",
        include_str!("ffprobe/live.webm.json"),
    ),
    (
        "audio.mp3: audio with cover art",
        include_str!("ffprobe/audio.mp3.json"),
    ),
    (
        "start.ts: starts at 10 s",
        include_str!("ffprobe/start.ts.json"),
    ),
    (
        "vfr.mp4: variable frame rate",
        include_str!("ffprobe/vfr.mp4.json"),
    ),
    (
        "rgb.mov: a video of PNG frames",
        include_str!("ffprobe/rgb.mov.json"),
    ),
    (
        "many.wav: twelve channels without a layout",
        include_str!("ffprobe/many.wav.json"),
    ),
];

fn read(json: &str) -> Source {
    Source::from_report(&Report::parse(json.as_bytes()).unwrap())
}

#[test]
fn reports() {
    let mut table = String::new();
    for (name, json) in REPORTS {
        let source = serde_json::to_string_pretty(&read(json)).unwrap();
        writeln!(table, "--- {name}\n{source}").unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn a_source_round_trips_as_json() {
    for (_, json) in REPORTS {
        let source = read(json);
        let stored = serde_json::to_string(&source).unwrap();
        assert_eq!(serde_json::from_str::<Source>(&stored).unwrap(), source);
    }
}

/// A source with a single video stream of 640×360, with additional `members`.
fn with_video(members: &str) -> Source {
    let json = format!(
        r#"{{"streams":[{{"index":0,"codec_type":"video","codec_name":"h264","width":640,"height":360{members}}}]}}"#
    );
    read(&json)
}

#[test]
fn displayed_size() {
    let cases = [
        ("", 640, 360, 0),
        (r#","sample_aspect_ratio":"1:1""#, 640, 360, 0),
        (r#","sample_aspect_ratio":"0:1""#, 640, 360, 0),
        (r#","sample_aspect_ratio":"N/A""#, 640, 360, 0),
        (r#","sample_aspect_ratio":"4:3""#, 853, 360, 0),
        (r#","sample_aspect_ratio":"8:9""#, 569, 360, 0),
        (
            r#","side_data_list":[{"side_data_type":"Display Matrix","rotation":-90}]"#,
            360,
            640,
            90,
        ),
        (
            r#","side_data_list":[{"side_data_type":"Display Matrix","rotation":90}]"#,
            360,
            640,
            270,
        ),
        (
            r#","side_data_list":[{"side_data_type":"Display Matrix","rotation":180}]"#,
            640,
            360,
            180,
        ),
        (
            r#","side_data_list":[{"side_data_type":"Display Matrix","rotation":-180}]"#,
            640,
            360,
            180,
        ),
        (r#","side_data_list":[{"rotation":-89.5}]"#, 360, 640, 90),
        // Not a quarter turn: ffmpeg keeps the sides.
        (r#","side_data_list":[{"rotation":45}]"#, 640, 360, 0),
        (
            r#","side_data_list":[{"side_data_type":"CPB properties"},{"rotation":-90}],"sample_aspect_ratio":"2:1""#,
            360,
            1280,
            90,
        ),
    ];
    for (members, width, height, rotation) in cases {
        let video = with_video(members).video.unwrap();
        assert_eq!(
            (video.width, video.height, video.rotation),
            (width, height, rotation),
            "{members}"
        );
        assert_eq!((video.coded_width, video.coded_height), (640, 360));
    }
}

/// The duration of a Matroska file is the time of its end: its timestamps may start at any time, and a subtitle may end last.
#[test]
fn the_duration_of_matroska_is_that_of_its_streams() {
    let duration = |format: &str, tags: &str| {
        let json = format!(
            r#"{{"streams":[{{"index":0,"codec_type":"video","codec_name":"h264","width":640,"height":360,"start_time":"100.0"{tags}}}],
                "format":{{"format_name":"{format}","start_time":"100.0","duration":"125.0"}}}}"#
        );
        read(&json).duration_ms
    };
    let tag = r#","tags":{"DURATION":"00:01:48.000000000"}"#;
    assert_eq!(duration("matroska,webm", tag), Some(8_000));
    assert_eq!(duration("matroska,webm", ""), Some(25_000));
    assert_eq!(duration("mov,mp4", ""), Some(125_000));
}

#[test]
fn colours_and_rates() {
    let video = with_video(r#","color_transfer":"smpte2084","pix_fmt":"yuv420p10le""#)
        .video
        .unwrap();
    assert_eq!(
        (video.dynamic_range, video.bit_depth),
        (DynamicRange::Pq, 10)
    );
    let video = with_video(r#","color_transfer":"arib-std-b67","pix_fmt":"p010le""#)
        .video
        .unwrap();
    assert_eq!(
        (video.dynamic_range, video.bit_depth),
        (DynamicRange::Hlg, 10)
    );
    let video = with_video(r#","color_transfer":"bt709","bits_per_raw_sample":"12""#)
        .video
        .unwrap();
    assert_eq!(
        (video.dynamic_range, video.bit_depth),
        (DynamicRange::Sdr, 12)
    );
    let video = with_video(r#","pix_fmt":"yuvj420p""#).video.unwrap();
    assert!(video.is_full_range);
    assert_eq!(video.bit_depth, 8);
    let video = with_video(r#","r_frame_rate":"30/1","avg_frame_rate":"0/0""#)
        .video
        .unwrap();
    assert_eq!((video.frame_rate.unwrap().num(), video.is_vfr), (30, false));
    let video = with_video(r#","r_frame_rate":"60/1","avg_frame_rate":"2350/100""#)
        .video
        .unwrap();
    assert_eq!(
        (video.frame_rate.unwrap().to_string().as_str(), video.is_vfr),
        ("47/2", true)
    );
    for order in ["tt", "bb", "tb", "bt"] {
        assert!(
            with_video(&format!(r#","field_order":"{order}""#))
                .video
                .unwrap()
                .is_interlaced
        );
    }
    assert!(
        !with_video(r#","field_order":"progressive""#)
            .video
            .unwrap()
            .is_interlaced
    );
}

#[test]
fn the_video_is_found_among_cover_art() {
    let video = |streams: &str| {
        read(&format!(r#"{{"streams":[{streams}]}}"#))
            .video
            .map(|video| video.index)
    };
    let vp9 = r#"{"index":7,"codec_type":"video","codec_name":"vp9","width":64,"height":64,"avg_frame_rate":"25/1"}"#;
    let cover = r#"{"index":1,"codec_type":"video","codec_name":"h264","width":9,"height":9,"disposition":{"attached_pic":1}}"#;
    let png = r#"{"index":2,"codec_type":"video","codec_name":"png","width":9,"height":9,"avg_frame_rate":"0/0"}"#;
    let one_jpeg = r#"{"index":3,"codec_type":"video","codec_name":"mjpeg","width":9,"height":9,"avg_frame_rate":"25/1","nb_frames":"1"}"#;
    let jpegs = r#"{"index":4,"codec_type":"video","codec_name":"mjpeg","width":9,"height":9,"avg_frame_rate":"25/1","nb_frames":"50"}"#;
    let unknown = r#"{"index":5,"codec_type":"video","width":9,"height":9}"#;
    assert_eq!(video(&format!("{cover},{png},{one_jpeg},{vp9}")), Some(7));
    assert_eq!(video(&format!("{cover},{png},{one_jpeg}")), None);
    assert_eq!(video(&format!("{png},{jpegs}")), Some(4));
    assert_eq!(video(&format!("{unknown},{vp9}")), Some(7));
    // There is no better stream; the plan rejects it and names it.
    assert_eq!(video(unknown), Some(5));
}

#[test]
fn unknown_audio_is_ignored_if_other_audio_is_known() {
    let indices = |streams: &str| -> Vec<u32> {
        let source = read(&format!(r#"{{"streams":[{streams}]}}"#));
        source.audio.iter().map(|audio| audio.index).collect()
    };
    let known = r#"{"index":1,"codec_type":"audio","codec_name":"aac","channels":2}"#;
    let spatial = r#"{"index":2,"codec_type":"audio","codec_name":"unknown","channels":4}"#;
    assert_eq!(indices(&format!("{spatial},{known}")), [1]);
    // There is no better stream; the plan rejects it and names it.
    assert_eq!(indices(spatial), [2]);
}

#[test]
fn long_titles_are_cut() {
    let title = "é".repeat(100_000);
    let source = read(&format!(
        r#"{{"streams":[{{"index":0,"codec_type":"audio","codec_name":"aac","tags":{{"title":"{title}"}}}}]}}"#
    ));
    assert_eq!(source.audio[0].title, Some("é".repeat(200)));
}

#[test]
fn malformed_values_count_as_missing() {
    let source = read(
        r#"{"streams":[
            {"index":"0","codec_type":"video","codec_name":"h264","width":"640","height":360,"level":-99,
             "r_frame_rate":"1/0","avg_frame_rate":"nonsense","duration":"N/A","nb_frames":"","start_time":"nan",
             "disposition":[],"tags":7,"side_data_list":{"rotation":1}},
            {"codec_type":"audio","codec_name":"aac"},
            {"index":2,"codec_type":"audio","codec_name":"aac","channels":"two","sample_rate":"48000",
             "tags":{"LANGUAGE":"ger","Title":" Director "}},
            {"index":3,"codec_type":"subtitle","codec_name":"hdmv_pgs_subtitle"},
            {"index":4,"codec_type":"data"}, {}
        ],"format":{"duration":"-1","start_time":"inf","bit_rate":"N/A","tags":null}}"#,
    );
    let video = source.video.unwrap();
    assert_eq!(
        (video.width, video.height, video.level, video.frame_rate),
        (640, 360, None, None)
    );
    assert_eq!(
        (video.frames, video.end_ms, source.duration_ms),
        (None, None, None)
    );
    assert_eq!(
        source.audio.len(),
        1,
        "a stream without an index cannot be mapped"
    );
    let audio = source.audio.first().unwrap();
    assert_eq!((audio.channels, audio.sample_rate), (0, 48_000));
    assert_eq!(
        (audio.language.as_deref(), audio.title.as_deref()),
        (Some("de"), Some("Director"))
    );
    assert!(source.subtitles.is_empty(), "bitmap subtitles are not text");
    assert_eq!(source.streams_count, 6);
    assert!(Report::parse(b"{}").is_ok());
    assert!(Report::parse(b"").is_err());
}

#[test]
fn ends_count_from_the_start_of_the_file() {
    let end = |stream: &str| {
        let json = format!(
            r#"{{"format":{{"start_time":"10.0","duration":"99"}},"streams":[{{"index":0,"codec_type":"audio","codec_name":"aac",{stream}}}]}}"#
        );
        read(&json).audio.first().unwrap().end_ms
    };
    assert_eq!(end(r#""start_time":"10.5","duration":"2.0""#), Some(2_500));
    assert_eq!(end(r#""duration":"2.0""#), Some(2_000));
    // Matroska's tag contains the time of the end.
    assert_eq!(
        end(r#""start_time":"10.5","tags":{"DURATION":"00:01:12.500000000"}"#),
        Some(62_500)
    );
    assert_eq!(end(r#""tags":{"DURATION":"soon"}"#), None);
    assert_eq!(end(r#""start_time":"10.5""#), None);
}

proptest! {
    /// Every JSON results in a source, without a panic.
    #[test]
    fn nothing_panics(
        duration in "[-0-9.eN/A]{0,12}",
        start in "[-0-9.e]{0,12}",
        width in any::<i64>(),
        rate in "[0-9]{0,11}/[0-9]{0,11}",
        ratio in "[0-9]{0,11}:[0-9]{0,11}",
        rotation in any::<f64>(),
    ) {
        let json = serde_json::json!({
            "format": {"duration": duration, "start_time": start},
            "streams": [{"index": 0, "codec_type": "video", "codec_name": "vp9", "width": width, "height": 5,
                "r_frame_rate": rate, "avg_frame_rate": rate, "sample_aspect_ratio": ratio, "duration": duration,
                "start_time": start, "side_data_list": [{"rotation": rotation}], "tags": {"DURATION": duration}}],
        });
        let source = read(&json.to_string());
        let _ = shared::video::plan(&source, &shared::video::Preset::default());
    }
}
