//! Progress: ffmpeg 5.1's output and the parsed values.

use proptest::prelude::*;
use shared::video::progress::{Block, Parser, Progress};

/// Two blocks printed by ffmpeg, the first one before the first frame was written.
const OUTPUT: &str = "\
frame=0
fps=0.00
stream_0_0_q=0.0
bitrate=N/A
total_size=N/A
out_time_us=-77333
out_time_ms=-77333
out_time=-00:00:00.077333
dup_frames=0
drop_frames=0
speed=N/A
progress=continue
frame=75
fps=149.11
stream_0_0_q=29.0
bitrate=N/A
total_size=N/A
out_time_us=2986667
out_time_ms=2986667
out_time=00:00:02.986667
dup_frames=3
drop_frames=1
speed=5.94x
progress=end
";

fn blocks(text: &str) -> Vec<Block> {
    let mut parser = Parser::default();
    text.lines().filter_map(|line| parser.line(line)).collect()
}

#[test]
fn what_ffmpeg_prints() {
    assert_eq!(
        blocks(OUTPUT),
        [
            Block {
                frame: Some(0),
                dup_frames: Some(0),
                drop_frames: Some(0),
                ..Block::default()
            },
            Block {
                frame: Some(75),
                out_time_us: Some(2_986_667),
                speed: Some(5.94),
                dup_frames: Some(3),
                drop_frames: Some(1),
                is_end: true,
            },
        ]
    );
}

#[test]
fn unknown_lines_are_ignored() {
    let odd =
        "\n=\nnoise\nframe=x\nspeed= 1e+03x\nout_time_us=N/A\nframe=  12 \r\nprogress=continue\r";
    assert_eq!(
        blocks(odd),
        [Block {
            frame: Some(12),
            speed: Some(1_000.0),
            ..Block::default()
        }]
    );
    assert!(
        blocks("frame=1\nspeed=2x").is_empty(),
        "a block is complete only with its last line"
    );
    let stopped = blocks("speed=   0x\nprogress=continue");
    assert_eq!(
        stopped.first().unwrap().speed,
        None,
        "a speed of 0 is unknown: it allows no estimate"
    );
}

#[test]
fn frames_count_while_the_time_is_unknown() {
    let mut progress = Progress::new(Some(10_000), Some(250));
    let reading = progress.update(&Block {
        frame: Some(50),
        out_time_us: Some(0),
        speed: Some(2.0),
        ..Block::default()
    });
    assert_eq!(reading.ratio, Some(0.2));
    assert_eq!(reading.eta_ms, Some(4_000));
    let reading = progress.update(&Block {
        out_time_us: Some(5_000_000),
        ..Block::default()
    });
    assert_eq!((reading.ratio, reading.eta_ms), (Some(0.5), None));
    let end = Block {
        is_end: true,
        ..Block::default()
    };
    assert_eq!(progress.update(&end).ratio, Some(1.0));
}

#[test]
fn the_ratio_is_unknown_without_a_total() {
    let mut progress = Progress::new(None, None);
    let reading = progress.update(&Block {
        frame: Some(50),
        out_time_us: Some(1),
        speed: Some(1.0),
        ..Block::default()
    });
    assert_eq!((reading.ratio, reading.eta_ms), (None, None));
}

proptest! {
    #[test]
    fn the_ratio_never_decreases_and_never_exceeds_one(
        duration_ms in proptest::option::of(any::<u64>()),
        frames in proptest::option::of(any::<u64>()),
        blocks in proptest::collection::vec((proptest::option::of(any::<u64>()), proptest::option::of(any::<u64>()), any::<f64>()), 0..20),
    ) {
        let mut progress = Progress::new(duration_ms, frames);
        let mut last = 0.0;
        for (frame, out_time_us, speed) in blocks {
            let text = format!("speed={speed}x\nprogress=continue");
            let mut parser = Parser::default();
            let parsed = text.lines().find_map(|line| parser.line(line)).unwrap();
            let reading = progress.update(&Block { frame, out_time_us, ..parsed });
            prop_assert_eq!(reading.ratio.is_some(), duration_ms.is_some() || frames.is_some());
            if let Some(ratio) = reading.ratio {
                prop_assert!(ratio >= last && ratio <= 1.0);
                last = ratio;
            }
        }
    }
}
