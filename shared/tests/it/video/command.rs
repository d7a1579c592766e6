//! Complete argument lists. The native worker's tests run them with ffmpeg.

use shared::video::command::{self, FORMAT_WHITELIST, Index};
use shared::video::plan::Downmix;
use shared::video::source::{AudioStream, DynamicRange, Source, VideoStream};
use shared::video::{Plan, Preset, plan};

use super::plan::rich;
use super::{audio_stream, of_size, source, video_stream};

const INPUT: &str = "/scratch/in: 1.mp4";

fn planned(source: &Source) -> Plan {
    plan(source, &Preset::default()).unwrap()
}

/// One option per line, with its value.
fn lines(arguments: &[String]) -> String {
    let mut text = String::new();
    for (at, argument) in arguments.iter().enumerate() {
        let starts = argument.starts_with('-') && argument.parse::<i64>().is_err();
        if at > 0 {
            let after_flag = ["-hide_banner", "-nostdin", "-y", "-nostats"]
                .contains(&arguments[at - 1].as_str());
            let is_output = !starts
                && at >= 2
                && arguments[at - 2].starts_with('-')
                && !arguments[at - 1].starts_with('-');
            text.push(if starts || is_output || after_flag {
                '\n'
            } else {
                ' '
            });
        }
        text.push_str(argument);
    }
    text
}

#[test]
fn probe() {
    insta::assert_snapshot!(lines(&command::probe(INPUT)));
}

#[test]
fn ladder_of_a_rich_file() {
    insta::assert_snapshot!(lines(&command::ladder(&planned(&rich()), INPUT)));
}

#[test]
fn ladder_of_one_rung() {
    let plan = planned(&source(Some(of_size(320, 180)), Vec::new()));
    let arguments = command::ladder(&plan, INPUT);
    // With a single variant, ffmpeg would not expand `%v` in the name of the initialization segment.
    assert!(arguments.iter().all(|argument| !argument.contains("%v")));
    assert!(arguments.contains(&"v0_init.mp4".to_owned()));
}

#[test]
fn ladder_of_audio() {
    insta::assert_snapshot!(lines(&command::ladder(
        &planned(&source(None, vec![audio_stream(0)])),
        INPUT
    )));
}

/// The filter graph of a video.
fn graph(video: VideoStream) -> String {
    let arguments = command::ladder(&planned(&source(Some(video), Vec::new())), INPUT);
    let at = arguments
        .iter()
        .position(|argument| argument == "-filter_complex")
        .unwrap();
    arguments[at + 1].clone()
}

#[test]
fn graphs() {
    let small = || of_size(320, 180);
    let videos = [
        VideoStream {
            is_interlaced: true,
            ..small()
        },
        VideoStream {
            dynamic_range: DynamicRange::Pq,
            ..of_size(3_840, 2_160)
        },
        VideoStream {
            dynamic_range: DynamicRange::Hlg,
            is_full_range: true,
            ..small()
        },
        VideoStream {
            pixel_format: Some("yuvj420p".to_owned()),
            is_full_range: true,
            ..small()
        },
        VideoStream {
            pixel_format: Some("gbrp".to_owned()),
            is_full_range: true,
            ..small()
        },
        VideoStream {
            index: 3,
            ..of_size(360, 640)
        },
    ];
    let graphs: Vec<_> = videos
        .into_iter()
        .map(|video| graph(video).replace(';', ";\n  "))
        .collect();
    insta::assert_snapshot!(graphs.join("\n"));
}

#[test]
fn unknown_channel_layouts() {
    let many = AudioStream {
        channels: 12,
        layout: None,
        ..audio_stream(0)
    };
    let plan = planned(&source(None, vec![many]));
    assert_eq!(plan.audio.first().unwrap().downmix, Downmix::FirstTwo);
    let text = command::ladder(&plan, INPUT).join(" ");
    assert!(
        text.contains("-filter:a pan=stereo|c0=c0|c1=c1,aresample=48000"),
        "{text}"
    );
}

#[test]
fn audio_has_no_segment_after_the_end_of_the_video() {
    let cases = [
        // The video ends with a segment: including the encoder's first frame, the audio must not reach the next segment.
        (4_000, 187),
        (6_000, 281),
        (8_000, 374),
        (40, 1),
        (1, 1),
    ];
    for (end_ms, frames) in cases {
        let video = VideoStream {
            end_ms: Some(end_ms),
            ..video_stream()
        };
        let audio = AudioStream {
            end_ms: Some(end_ms),
            ..audio_stream(1)
        };
        let text = command::ladder(&planned(&source(Some(video), vec![audio])), INPUT).join(" ");
        let samples = frames * 1_024;
        assert!(
            text.contains(&format!(
                "apad=whole_len={samples},atrim=end_sample={samples}"
            )),
            "{end_ms}: {text}"
        );
    }
}

#[test]
fn stills() {
    let plan = planned(&source(
        Some(VideoStream {
            dynamic_range: DynamicRange::Pq,
            ..of_size(1_080, 1_920)
        }),
        Vec::new(),
    ));
    let video = plan.video.unwrap();
    let poster = command::poster(&video, INPUT, video.poster.at_ms);
    let first = command::poster(&video, INPUT, 0);
    assert!(!first.contains(&"-ss".to_owned()));
    let board = command::tiles(&video, video.storyboard.as_ref().unwrap(), INPUT);
    let sprite = command::sprite(video.storyboard.as_ref().unwrap());
    let lists = [&poster, &board, &sprite].map(|list| lines(list));
    insta::assert_snapshot!(lists.join("\n\n"));
}

#[test]
fn copies() {
    let plan = planned(&rich());
    let remux = command::remux(plan.remux.as_ref().unwrap(), INPUT, Index::AtStart);
    let growing = command::remux(plan.remux.as_ref().unwrap(), INPUT, Index::AtEnd);
    assert!(!growing.contains(&"-movflags".to_owned()));
    assert_eq!(growing.len() + 2, remux.len());
    let mp4 = command::mp4(Some("/scratch/a0.mp4"));
    let silent = command::mp4(None);
    let subtitles = command::subtitles(&plan, INPUT).unwrap();
    let lists = [remux, mp4, silent, subtitles];
    let texts: Vec<_> = lists.iter().map(|list| lines(list)).collect();
    insta::assert_snapshot!(texts.join("\n\n"));
    assert_eq!(
        command::subtitles(&planned(&source(Some(video_stream()), Vec::new())), INPUT),
        None
    );
}

#[test]
fn no_demuxer_that_opens_other_files_is_allowed() {
    let names: Vec<_> = FORMAT_WHITELIST.split(',').collect();
    let openers = [
        "hls",
        "applehttp",
        "dash",
        "concat",
        "concatf",
        "imf",
        "image2",
        "image2pipe",
        "tty",
        "lavfi",
        "sdp",
        "rtsp",
        "rtp",
        "webm_dash_manifest",
        "ffmetadata",
        "vapoursynth",
        "avisynth",
        "gif_pipe",
        "rawvideo",
        "srt",
        "webvtt",
        "bluray",
    ];
    for opener in openers {
        assert!(!names.contains(&opener), "{opener}");
    }
}

/// The options of an input precede it. Every input must have the guards.
#[test]
fn every_input_is_guarded() {
    let plan = planned(&rich());
    let video = plan.video.as_ref().unwrap();
    let lists = [
        command::probe(INPUT),
        command::ladder(&plan, INPUT),
        command::poster(video, INPUT, 1),
        command::tiles(video, video.storyboard.as_ref().unwrap(), INPUT),
        command::remux(plan.remux.as_ref().unwrap(), INPUT, Index::AtStart),
        command::mp4(Some(INPUT)),
        command::subtitles(&plan, INPUT).unwrap(),
    ];
    for list in lists {
        let mut guards = [false, false];
        let mut inputs = 0;
        for argument in &list {
            match argument.as_str() {
                "-protocol_whitelist" => guards[0] = true,
                "-format_whitelist" => guards[1] = true,
                "-i" => {
                    assert_eq!(guards, [true, true], "{list:?}");
                    guards = [false, false];
                    inputs += 1;
                }
                _ => {}
            }
        }
        assert!(inputs > 0);
    }
}
