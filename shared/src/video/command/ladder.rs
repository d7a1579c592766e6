//! The ladder: all rungs, all audio renditions and the storyboard's tiles from one decode.

use std::fmt::Write as _;

use super::arguments::Arguments;
use super::filter;
use super::stills::{tiles_filter, tiles_output};
use crate::video::plan::{AudioRendition, Downmix, Plan, VideoPlan};
use crate::video::preset::GOP_MS;

/// Sample rate of every audio rendition.
const SAMPLE_RATE: u32 = 48_000;

/// Samples per frame of AAC-LC.
const AAC_FRAME: u64 = 1_024;

/// ffmpeg on `input` (an absolute path). It writes the files of each [`Track`](crate::video::track::Track) and, if the plan
/// has
/// a storyboard, the tiles for [`sprite`](super::sprite).
///
/// ffmpeg also writes playlists. They tell which segments are finished and are not published.
#[must_use]
pub fn ladder(plan: &Plan, input: &str) -> Vec<String> {
    let mut list = Arguments::new();
    list.input(input);
    if let Some(video) = &plan.video {
        list.pair("-filter_complex", graph(video));
        rungs(&mut list, video, plan);
    }
    for rendition in &plan.audio {
        audio(&mut list, rendition, plan);
    }
    if plan
        .video
        .as_ref()
        .is_some_and(|video| video.storyboard.is_some())
    {
        // Trap: ffmpeg reports no progress until every output has started. The tiles start with the first frame; a sprite
        // would start with the last.
        tiles_output(&mut list);
    }
    list.0
}

/// Decodes once, scales down from rung to rung, and finally to the storyboard.
///
/// Each rung is scaled from the next larger one, not from the source, which reads a fraction of the pixels. 360p from 720p
/// then
/// has an SSIM of 0.9980 instead of 0.9982 (ffmpeg's `ssim` of a 1080p video, compared with `zscale` and a Lanczos filter).
fn graph(video: &VideoPlan) -> String {
    let largest = video
        .rungs
        .last()
        .map_or((2, 2), |rung| (rung.width, rung.height));
    let before = filter::before_split(video, largest);
    let mut text = format!("[0:{}]{before},", video.stream);
    // Writing to a String cannot fail.
    for (smaller, rung) in video.rungs.iter().enumerate().rev() {
        let number = rung.number;
        let (width, height) = (rung.width, rung.height);
        let _ = write!(text, "scale={width}:{height}:flags=bicubic,setsar=1");
        if smaller > 0 || video.storyboard.is_some() {
            let _ = write!(text, ",split[v{number}][s{number}];[s{number}]");
        } else {
            let _ = write!(text, "[v{number}]");
        }
    }
    if let Some(storyboard) = &video.storyboard {
        let _ = write!(text, "{}[board]", tiles_filter(storyboard));
    }
    text
}

fn rungs(list: &mut Arguments, video: &VideoPlan, plan: &Plan) {
    for rung in &video.rungs {
        list.pair("-map", format!("[v{}]", rung.number));
    }
    list.strip();
    list.pair("-c:v", "libx264")
        .pair("-preset", video.speed.as_str());
    list.pair("-profile:v", "high").pair("-pix_fmt", "yuv420p");
    for rung in &video.rungs {
        let number = rung.number;
        list.pair(&format!("-crf:v:{number}"), rung.crf.to_string());
        list.pair(
            &format!("-maxrate:v:{number}"),
            rung.maxrate_bps.to_string(),
        );
        list.pair(
            &format!("-bufsize:v:{number}"),
            rung.bufsize_bits.to_string(),
        );
    }
    // Key frames are at the same times in every rung, and nowhere else. If they were placed by frame count, they would drift
    // away from the segment boundaries at rates such as 30000/1001. `-g` only has to be at least as long.
    let seconds = GOP_MS / 1_000;
    list.pair(
        "-force_key_frames",
        format!("expr:gte(t,n_forced*{seconds})"),
    );
    list.pair("-g", video.gop_frames.to_string())
        .pair("-keyint_min", video.gop_frames.to_string());
    list.pair("-sc_threshold", "0").pair("-flags", "+cgop");
    // The frames already have their final times: do not duplicate or drop any.
    list.pair("-fps_mode", "passthrough");
    // The time of a fragment comes from its frames, not from the sum of the previous fragments, so a segment is the same
    // wherever an encode started. (Not for audio: there the first time would underflow by the encoder's delay.)
    list.pair("-hls_segment_options", "movflags=+frag_discont");
    let map: Vec<String> = video
        .rungs
        .iter()
        .map(|rung| format!("v:{}", rung.number))
        .collect();
    list.pair("-var_stream_map", map.join(" "));
    // Trap: with a single variant, ffmpeg does not expand `%v`.
    let stem = if video.rungs.len() == 1 { "v0" } else { "v%v" };
    hls(list, stem, plan.segment_ms);
}

fn audio(list: &mut Arguments, rendition: &AudioRendition, plan: &Plan) {
    list.pair("-map", format!("0:{}", rendition.stream)).strip();
    list.pair("-filter:a", audio_filter(rendition));
    list.pair("-c:a", "aac")
        .pair("-b:a", plan.audio_bitrate_bps.to_string());
    hls(list, &format!("a{}", rendition.number), plan.segment_ms);
}

/// Audio filters: start at time zero, keep the timing, convert to stereo, and end with the video.
fn audio_filter(rendition: &AudioRendition) -> String {
    let mut steps = Vec::new();
    match rendition.downmix {
        Downmix::Layout => {}
        Downmix::FirstTwo => steps.push("pan=stereo|c0=c0|c1=c1".to_owned()),
    }
    // Gaps and a late start are filled with silence, so that the audio stays in sync with the video.
    steps.push(format!("aresample={SAMPLE_RATE}:async=1:first_pts=0"));
    steps.push(format!(
        "aformat=sample_fmts=fltp:sample_rates={SAMPLE_RATE}:channel_layouts=stereo"
    ));
    if let Some(end_ms) = rendition.end_ms {
        let samples = samples_until(end_ms);
        steps.push(format!(
            "apad=whole_len={samples},atrim=end_sample={samples}"
        ));
    }
    steps.join(",")
}

/// Number of audio samples that end with a video of `end_ms` milliseconds: whole AAC frames, the last of which starts before
/// the end.
///
/// The encoder inserts one frame at the start. Trap: with one frame more, a video that ends exactly with a segment would get
/// an additional audio segment of 21 ms.
fn samples_until(end_ms: u64) -> u64 {
    let samples = end_ms.saturating_mul(u64::from(SAMPLE_RATE)) / 1_000;
    let frames = samples.div_ceil(AAC_FRAME).saturating_sub(1).max(1);
    frames * AAC_FRAME
}

/// Fragmented MP4 by the HLS muxer. A segment gets its final name when it is complete (`temp_file`).
fn hls(list: &mut Arguments, stem: &str, segment_ms: u32) {
    // Trap: any value other than `disabled` shifts the first segment or gives it a second edit.
    list.pair("-avoid_negative_ts", "disabled");
    list.pair("-f", "hls")
        .pair("-hls_time", (segment_ms / 1_000).to_string());
    list.pair("-hls_list_size", "0")
        .pair("-hls_playlist_type", "event");
    list.pair("-hls_segment_type", "fmp4");
    list.pair("-hls_flags", "independent_segments+temp_file");
    list.pair("-hls_fmp4_init_filename", format!("{stem}_init.mp4"));
    list.pair("-hls_segment_filename", format!("{stem}_%05d.m4s"));
    list.flag(&format!("{stem}.m3u8"));
}
