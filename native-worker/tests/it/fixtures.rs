//! Films and sounds of all kinds, made by ffmpeg's own generators when a test wants them, and kept for the next run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// One test makes a file at a time: two would write the same one.
static MAKING: Mutex<()> = Mutex::new(());

/// A moving picture of this size, rate and length.
fn picture(size: &str, rate: &str, seconds: &str) -> String {
    format!("-f lavfi -i testsrc2=size={size}:rate={rate}:duration={seconds}")
}

/// A tone of this length.
fn tone(seconds: &str) -> String {
    format!("-f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds}")
}

const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -g 25";
const AAC: &str = "-c:a aac -b:a 96k";

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("films");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The file `name`, made by `make` at a path of its own unless it is there.
fn cached(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let path = folder().join(name);
    // A test that failed here left nothing half made.
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if !path.exists() {
        let part = folder().join(format!("part-{name}"));
        make(&part);
        std::fs::rename(&part, &path).unwrap();
    }
    path
}

/// Made by ffmpeg with `arguments`, separated by spaces.
fn encoded(name: &str, arguments: &str) -> PathBuf {
    cached(name, |path| {
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-y", "-v", "error"])
            .args(arguments.split_whitespace())
            .arg(path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    })
}

/// Made of another file's bytes.
fn changed(name: &str, of: &Path, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    cached(name, |path| {
        let mut bytes = std::fs::read(of).unwrap();
        change(&mut bytes);
        std::fs::write(path, bytes).unwrap();
    })
}

/// Three seconds of 640×360 with a tone, index first.
pub(crate) fn plain() -> PathBuf {
    let (picture, tone) = (picture("640x360", "25", "3"), tone("3"));
    encoded(
        "plain.mp4",
        &format!("{picture} {tone} {H264} {AAC} -movflags +faststart"),
    )
}

/// The same picture, 6 s, larger, for what has to be caught while it runs.
pub(crate) fn longer() -> PathBuf {
    let (picture, tone) = (picture("1280x720", "25", "12"), tone("12"));
    encoded("longer.mp4", &format!("{picture} {tone} {H264} {AAC}"))
}

/// Eighty megabytes in a container that browsers do not play: a small picture, stuffed to a constant rate.
pub(crate) fn large() -> PathBuf {
    let (picture, tone) = (picture("320x180", "25", "16"), tone("16"));
    let stuffed = "-x264-params nal-hrd=cbr:filler=1:level=42 -b:v 40M -maxrate 40M -bufsize 40M";
    encoded(
        "large.mkv",
        &format!("{picture} {tone} {H264} {stuffed} {AAC}"),
    )
}

/// Noise, which no encoder makes small.
pub(crate) fn noisy() -> PathBuf {
    let noise = "-vf noise=alls=100:allf=t -c:v libx264 -preset ultrafast -crf 30 -g 25";
    encoded(
        "noisy.mp4",
        &format!("{} {noise}", picture("1280x720", "25", "10")),
    )
}

/// A codec that no browser plays.
pub(crate) fn mpeg2() -> PathBuf {
    encoded(
        "mpeg2.ts",
        &format!(
            "{} -c:v mpeg2video -b:v 1M -f mpegts",
            picture("1280x720", "25", "8")
        ),
    )
}

pub(crate) fn no_audio() -> PathBuf {
    encoded(
        "no_audio.mp4",
        &format!("{} {H264}", picture("640x360", "25", "2")),
    )
}

pub(crate) fn audio_only() -> PathBuf {
    encoded("audio_only.m4a", &format!("{} {AAC} -f mp4", tone("3")))
}

/// An MP3 with a picture of its cover.
pub(crate) fn cover_art() -> PathBuf {
    let cover = "-f lavfi -i testsrc2=size=300x300:rate=1:duration=1";
    encoded(
        "cover_art.mp3",
        &format!(
            "{} {cover} -map 0 -map 1 -c:a libmp3lame -c:v png -frames:v 1 -disposition:v attached_pic -id3v2_version 3",
            tone("2")
        ),
    )
}

/// Odd sides and no chroma subsampling.
pub(crate) fn odd_444() -> PathBuf {
    // (`testsrc2` rounds odd sides.)
    let picture = "-f lavfi -i testsrc=size=321x181:rate=25:duration=1";
    let x264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv444p";
    encoded("odd_444.mkv", &format!("{picture} {x264}"))
}

pub(crate) fn portrait() -> PathBuf {
    encoded(
        "portrait.mp4",
        &format!("{} {H264}", picture("360x640", "25", "1")),
    )
}

/// Stored as 640×360, to be shown as 360×640: the matrix of the track is turned by 90°.
pub(crate) fn rotated() -> PathBuf {
    changed("rotated.mp4", &no_audio(), |bytes| {
        let upright = matrix([0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]);
        let turned = matrix([0, 0x1_0000, 0, -0x1_0000, 0, 0, 360 << 16, 0, 0x4000_0000]);
        let tkhd = find(bytes, b"tkhd");
        let at = tkhd + find(&bytes[tkhd..], &upright);
        bytes[at..at + turned.len()].copy_from_slice(&turned);
    })
}

fn matrix(values: [i32; 9]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes
        .windows(what.len())
        .position(|window| window == what)
        .unwrap()
}

/// A square of one pixel, and one of sixteen.
pub(crate) fn tiny(side: u32) -> PathBuf {
    let cut = format!("-vf format=yuv444p,crop={side}:{side}:0:0 -c:v ffv1");
    encoded(
        &format!("tiny_{side}.mkv"),
        &format!("{} {cut}", picture("32x32", "25", "1")),
    )
}

/// Wider than 8K.
pub(crate) fn huge_header() -> PathBuf {
    encoded(
        "huge_header.mkv",
        "-f lavfi -i color=black:size=16000x64:rate=1:duration=1 -frames:v 1 -c:v ffv1 -pix_fmt gray",
    )
}

pub(crate) fn ten_bit() -> PathBuf {
    let x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=error -pix_fmt yuv420p10le";
    encoded(
        "ten_bit.mp4",
        &format!("{} {x265}", picture("320x180", "25", "1")),
    )
}

/// High dynamic range by `transfer`.
fn hdr(name: &str, transfer: &str) -> PathBuf {
    let colours = format!("-color_primaries bt2020 -color_trc {transfer} -colorspace bt2020nc");
    let x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=error -pix_fmt yuv420p10le";
    encoded(
        name,
        &format!("{} {x265} {colours}", picture("320x180", "25", "1")),
    )
}

pub(crate) fn hdr10() -> PathBuf {
    hdr("hdr10.mp4", "smpte2084")
}

pub(crate) fn hlg() -> PathBuf {
    hdr("hlg.mp4", "arib-std-b67")
}

/// Frames at uneven times.
pub(crate) fn vfr() -> PathBuf {
    let select = "-vf select='not(eq(mod(n,5),2))*not(eq(mod(n,7),3))' -fps_mode vfr";
    encoded(
        "vfr.mkv",
        &format!("{} {select} {H264}", picture("320x180", "25", "3")),
    )
}

/// At another rate.
pub(crate) fn rate(name: &str, rate: &str, seconds: &str) -> PathBuf {
    encoded(
        &format!("rate_{name}.mp4"),
        &format!("{} {H264}", picture("320x180", rate, seconds)),
    )
}

pub(crate) fn single_frame() -> PathBuf {
    encoded(
        "single_frame.mp4",
        &format!("{} -frames:v 1 {H264}", picture("320x180", "25", "1")),
    )
}

pub(crate) fn half_second() -> PathBuf {
    let (picture, tone) = (picture("320x180", "25", "0.5"), tone("0.5"));
    encoded("half_second.mp4", &format!("{picture} {tone} {H264} {AAC}"))
}

pub(crate) fn interlaced() -> PathBuf {
    let woven =
        "-vf tinterlace=interleave_top,setfield=tff -flags +ildct+ilme -c:v mpeg2video -b:v 2M";
    encoded(
        "interlaced.ts",
        &format!("{} {woven} -f mpegts", picture("320x180", "50", "2")),
    )
}

/// Sound of this layout, with a picture.
pub(crate) fn layout(name: &str, layout: &str, rate: u32) -> PathBuf {
    let sound = format!("-f lavfi -i anoisesrc=duration=2:sample_rate={rate}:amplitude=0.1");
    encoded(
        &format!("layout_{name}.mkv"),
        &format!(
            "{} {sound} {H264} -af aformat=channel_layouts={layout} -c:a pcm_s16le",
            picture("320x180", "25", "2")
        ),
    )
}

/// Four channels of which nobody says what they are.
pub(crate) fn unknown_layout() -> PathBuf {
    let sound = "-f lavfi -i aevalsrc=sin(440*t)|sin(550*t)|sin(660*t)|sin(770*t):c=4c:d=2";
    let sound = sound.replace(":c=4c", "");
    encoded(
        "unknown_layout.mov",
        &format!(
            "{} {sound} {H264} -c:a pcm_s16le",
            picture("320x180", "25", "2")
        ),
    )
}

/// Two languages, English and German.
pub(crate) fn two_languages() -> PathBuf {
    let german = "-f lavfi -i sine=frequency=880:sample_rate=48000:duration=2";
    encoded(
        "two_languages.mkv",
        &format!(
            "{} {} {german} -map 0 -map 1 -map 2 {H264} {AAC} -metadata:s:a:0 language=eng -metadata:s:a:1 language=ger",
            picture("320x180", "25", "2"),
            tone("2")
        ),
    )
}

/// Text subtitles as MP4 has them.
pub(crate) fn subtitles() -> PathBuf {
    let text = cached("words.srt", |path| {
        let words = "1\n00:00:00,200 --> 00:00:01,000\nHello.\n\n2\n00:00:01,200 --> 00:00:01,900\nWorld.\n";
        std::fs::write(path, words).unwrap();
    });
    encoded(
        "subtitles.mp4",
        &format!(
            "{} {} -f srt -i {} -map 0 -map 1 -map 2 {H264} {AAC} -c:s mov_text -metadata:s:s:0 language=fre",
            picture("320x180", "25", "2"),
            tone("2"),
            text.display()
        ),
    )
}

/// A stream of timecode beside the film.
pub(crate) fn data_stream() -> PathBuf {
    encoded(
        "data_stream.mov",
        &format!(
            "{} {H264} -timecode 01:00:00:00",
            picture("320x180", "25", "1")
        ),
    )
}

/// Its clock starts at ten seconds.
pub(crate) fn late_start() -> PathBuf {
    let (picture, tone) = (picture("320x180", "25", "2"), tone("2"));
    encoded(
        "late_start.ts",
        &format!("{picture} {tone} {H264} {AAC} -output_ts_offset 10 -f mpegts"),
    )
}

/// The sound is over after one of three seconds.
pub(crate) fn short_audio() -> PathBuf {
    let (picture, tone) = (picture("320x180", "25", "3"), tone("1"));
    encoded("short_audio.mp4", &format!("{picture} {tone} {H264} {AAC}"))
}

/// The picture is over after one of three seconds.
pub(crate) fn long_audio() -> PathBuf {
    let (picture, tone) = (picture("320x180", "25", "1"), tone("3"));
    encoded("long_audio.mp4", &format!("{picture} {tone} {H264} {AAC}"))
}

/// Its index comes last.
pub(crate) fn index_last() -> PathBuf {
    let (picture, tone) = (picture("320x180", "25", "2"), tone("2"));
    encoded("index_last.mp4", &format!("{picture} {tone} {H264} {AAC}"))
}

pub(crate) fn fragmented() -> PathBuf {
    let (picture, tone) = (picture("320x180", "25", "3"), tone("3"));
    encoded(
        "fragmented.mp4",
        &format!("{picture} {tone} {H264} {AAC} -movflags frag_keyframe+empty_moov"),
    )
}

/// The first half of a film whose index says that there is more.
pub(crate) fn truncated() -> PathBuf {
    let (picture, tone) = (picture("640x360", "25", "8"), tone("8"));
    let whole = encoded(
        "whole.mp4",
        &format!("{picture} {tone} {H264} {AAC} -movflags +faststart"),
    );
    changed("truncated.mp4", &whole, |bytes| {
        bytes.truncate(bytes.len() / 2);
    })
}

/// A film with its index cut off.
pub(crate) fn index_missing() -> PathBuf {
    changed("index_missing.mp4", &index_last(), |bytes| {
        bytes.truncate(bytes.len() / 2);
    })
}

/// Damaged in two hundred places, none of them in the index.
pub(crate) fn corrupt() -> PathBuf {
    changed("corrupt.mp4", &plain(), |bytes| {
        let content = find(bytes, b"mdat") + 4;
        let mut seed: usize = 1;
        for _ in 0..200 {
            // A linear congruence: the same places each time.
            seed = (seed * 1_103_515_245 + 12_345) % 0x8000_0000;
            let at = content + seed % (bytes.len() - content);
            bytes[at] ^= 0x55;
        }
    })
}

/// A film with its place and its author in the tags.
pub(crate) fn tagged() -> PathBuf {
    let (picture, tone) = (picture("320x180", "25", "2"), tone("2"));
    encoded(
        "tagged.mp4",
        &format!(
            "{picture} {tone} {H264} {AAC} -metadata title=Secret-Title -metadata location=+48.1000+011.5000/ -metadata:s:v handler_name=Secret-Handler"
        ),
    )
}

/// Something else that calls itself a film.
pub(crate) fn disguised(name: &str, bytes: &[u8]) -> PathBuf {
    cached(&format!("disguised_{name}.mp4"), |path| {
        std::fs::write(path, bytes).unwrap();
    })
}
