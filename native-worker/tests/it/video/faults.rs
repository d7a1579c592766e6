//! Every fault ends in a clear failure or in a verified success, never in a broken output.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use axum::http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use shared::job::FailureClass::{Permanent, Retryable};

use super::harness::{Harness, Outcome};
use crate::bucket::{Fault, Seen};
use crate::fixtures;

async fn fails(path: &Path) -> (&'static str, shared::job::FailureClass) {
    Harness::open().await.make(path).await.failure()
}

/// The process id of the encoder, once it runs.
async fn encoder(harness: &Harness) -> Pid {
    loop {
        if let Some(pid) = find_encoder(&harness.scratch) {
            return pid;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn find_encoder(scratch: &Path) -> Option<Pid> {
    let scratch = scratch.to_str().unwrap();
    std::fs::read_dir("/proc").unwrap().find_map(|entry| {
        let folder = entry.unwrap().path();
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&read("cmdline")).into_owned();
        let is_encoder = read("comm").starts_with(b"ffmpeg")
            && arguments.contains("libx264")
            && arguments.contains(scratch);
        let pid = folder.file_name()?.to_str()?.parse().ok()?;
        is_encoder.then(|| Pid::from_raw(pid)).flatten()
    })
}

/// State of a process as the kernel reports it: `R`, `T`, …; `None` if it does not exist.
fn state(pid: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// A valid index, and noise in place of the frames.
#[tokio::test]
async fn noise_instead_of_frames_fails_permanently() {
    let mut bytes = std::fs::read(fixtures::longer()).unwrap();
    let at = bytes.windows(4).position(|name| name == b"mdat").unwrap();
    let size: [u8; 4] = bytes[at - 4..at].try_into().unwrap();
    let end = at - 4 + usize::try_from(u32::from_be_bytes(size)).unwrap();
    let mut noise = 1_u32;
    for byte in &mut bytes[at + 4..end] {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = noise.to_be_bytes()[0];
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.mp4");
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(fails(&path).await, ("media_unreadable", Permanent));
}

/// No stored playlist claims to be complete.
fn assert_nothing_is_complete(outcome: &Outcome) {
    assert!(outcome.made.is_err());
    let Ok(folders) = std::fs::read_dir(outcome.root.join("hls")) else {
        return;
    };
    for folder in folders {
        let index = folder.unwrap().path().join("index.m3u8");
        let text = std::fs::read_to_string(index).unwrap_or_default();
        assert!(!text.contains("ENDLIST"), "{text}");
    }
}

#[tokio::test]
async fn files_that_are_not_video() {
    let zip = b"PK\x03\x04\x14\0\0\0\0\0";
    for (name, bytes) in [
        ("text", b"Just some words.\n".repeat(500).as_slice()),
        (
            "m3u8",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nx.ts\n#EXT-X-ENDLIST\n",
        ),
        ("ffconcat", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        (
            "svg",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>",
        ),
        ("zip", zip),
        ("empty", b""),
        ("zeros", &[0; 4096]),
    ] {
        let path = fixtures::disguised(name, bytes);
        assert_eq!(
            fails(&path).await,
            ("media_unreadable", Permanent),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_disguised_playlist_makes_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        (
            "m3u8",
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}.ts\n#EXT-X-ENDLIST\n"),
        ),
        (
            "mpd",
            format!(
                "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT1S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\"><BaseURL>{url}.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"
            ),
        ),
        ("ffconcat", format!("ffconcat version 1.0\nfile '{url}'\n")),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        assert_eq!(
            fails(&path).await,
            ("media_unreadable", Permanent),
            "{name}"
        );
    }
    assert!(listener.accept().is_err(), "a request was made");
}

#[tokio::test]
async fn files_that_are_too_large() {
    assert_eq!(
        fails(&fixtures::huge_header()).await,
        ("media_too_large", Permanent)
    );
    let harness = Harness::open().await;
    let preset = json!({"limits": {"duration_max_ms": 1000}});
    let outcome = harness.make_with(&fixtures::plain(), &preset).await;
    assert_eq!(outcome.failure(), ("media_too_large", Permanent));
}

#[tokio::test]
async fn files_that_are_cut_off() {
    let outcome = Harness::open().await.make(&fixtures::truncated()).await;
    assert_eq!(outcome.failure(), ("media_truncated", Permanent));
    assert_nothing_is_complete(&outcome);
    assert_eq!(
        fails(&fixtures::index_missing()).await,
        ("media_truncated", Permanent)
    );
}

#[tokio::test]
async fn a_bucket_with_temporary_faults() {
    let harness = Harness::open().await;
    harness.bucket.faults(
        Method::PUT,
        &[Fault::Error500, Fault::Error500, Fault::Damaged],
    );
    let outcome = harness.make(&fixtures::plain()).await;
    outcome.assert_plays();
}

/// The MP4 is muxed from segments that are read back. A body that is cut off must neither end the MP4 nor the job.
#[tokio::test]
async fn a_bucket_whose_answers_are_cut_off() {
    for (faults, failure) in [(4, None), (1_000, Some(("storage_failed", Retryable)))] {
        let harness = Harness::open().await;
        let video = fixtures::plain();
        let (outcome, ()) = tokio::join!(harness.make(&video), async {
            // The original has been fetched by then.
            let is_segment = |seen: &Seen| seen.path.contains(".m4s");
            while !harness.bucket.seen(&Method::PUT).iter().any(is_segment) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            harness.bucket.cut_off(".m4s", faults);
        });
        match failure {
            None => outcome.assert_plays(),
            Some(failure) => {
                assert_eq!(outcome.failure(), failure);
                assert!(!outcome.root.join("video.mp4").exists());
            }
        }
    }
}

#[tokio::test]
async fn a_bucket_that_accepts_nothing() {
    let harness = Harness::open().await;
    harness
        .bucket
        .faults(Method::PUT, &[Fault::Error500; 1_000]);
    let outcome = harness.make(&fixtures::plain()).await;
    assert_eq!(outcome.failure(), ("storage_failed", Retryable));
    assert!(outcome.early.is_empty(), "{:?}", outcome.early);
    assert!(find_encoder(&harness.scratch).is_none());
}

#[tokio::test]
async fn an_encoder_that_is_ended_from_outside() {
    for (signal, code) in [
        (Signal::TERM, "encode_failed"),
        (Signal::KILL, "worker_exhausted"),
    ] {
        let harness = Harness::open().await;
        let video = fixtures::longer();
        let (outcome, ()) = tokio::join!(harness.make(&video), async {
            kill_process(encoder(&harness).await, signal).unwrap();
        });
        assert_eq!(outcome.failure(), (code, Retryable));
        assert_nothing_is_complete(&outcome);
    }
}

#[tokio::test]
async fn an_encoder_that_hangs() {
    let mut harness = Harness::open().await;
    harness.config.stall = Duration::from_secs(1);
    let video = fixtures::longer();
    let (outcome, pid) = tokio::join!(harness.make(&video), async {
        let pid = encoder(&harness).await;
        kill_process(pid, Signal::STOP).unwrap();
        pid
    });
    assert_eq!(outcome.failure(), ("encode_stalled", Retryable));
    assert_eq!(state(pid), None);
    assert_nothing_is_complete(&outcome);
}

#[tokio::test]
async fn a_job_that_is_stopped() {
    let harness = Harness::open().await;
    let video = fixtures::longer();
    let (outcome, pid) = tokio::join!(harness.make(&video), async {
        let pid = encoder(&harness).await;
        harness.stop.cancel();
        pid
    });
    assert_eq!(outcome.failure().1, Retryable);
    assert_eq!(state(pid), None);
    assert_nothing_is_complete(&outcome);
}

/// While uploads hang, the encoder is paused before it fills the disk, and that does not count as a stall.
#[tokio::test]
async fn an_encoder_that_is_faster_than_the_bucket() {
    let mut harness = Harness::open().await;
    harness.config.stall = Duration::from_secs(3);
    harness.bucket.hang(".m4s");
    let video = fixtures::noisy();
    let preset = json!({
        "rungs": [{"short_side": 720, "maxrate_bps": 60_000_000, "crf": 1}], "speed": "ultrafast",
    });
    let (outcome, ()) = tokio::join!(harness.make_with(&video, &preset), async {
        let pid = encoder(&harness).await;
        while state(pid) != Some('T') {
            assert!(state(pid).is_some(), "it ended before it was paused");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let size = |folder: &Path| {
            let files = std::fs::read_dir(folder).unwrap();
            files
                .map(|file| file.unwrap().metadata().unwrap().len())
                .sum::<u64>()
        };
        assert!(size(&harness.scratch.join("hls")) < 64 << 20);
        // Longer than the stall limit.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(state(pid), Some('T'));
        harness.stop.cancel();
    });
    assert_nothing_is_complete(&outcome);
}

/// When the disk is full at the very end, ffmpeg logs an error and exits with code 0, and the file is not complete.
#[tokio::test]
async fn a_muxer_that_fails_with_code_0() {
    let mut harness = Harness::open().await;
    let tools = tempfile::tempdir().unwrap();
    let program = tools.path().join("ffmpeg");
    let script = "#!/bin/sh\ncase \"$*\" in *video.mp4*) \
                  echo '[mp4 @ 0x1] [error] Error writing trailer: No space left on device' >&2;; esac\n\
                  exec ffmpeg \"$@\"\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    harness.config.ffmpeg = program;
    let outcome = harness.make(&fixtures::plain()).await;
    assert_eq!(outcome.failure(), ("worker_exhausted", Retryable));
    assert!(!outcome.root.join("video.mp4").exists());
}

/// Only as root, because it mounts a disk of its own.
#[tokio::test]
async fn a_full_disk() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let harness = Harness::open().await;
    // Its streams cannot be copied to an MP4, so the ladder fills the disk.
    let video = fixtures::mpeg2();
    let size = video.metadata().unwrap().len() + 300_000;
    let mount = |arguments: &[&str]| {
        let status = std::process::Command::new(arguments[0])
            .args(&arguments[1..])
            .status();
        status.unwrap().success()
    };
    let scratch = harness.scratch.to_str().unwrap();
    if !mount(&[
        "mount",
        "-t",
        "tmpfs",
        "-o",
        &format!("size={size}"),
        "tmpfs",
        scratch,
    ]) {
        return;
    }
    let outcome = harness.make(&video).await;
    assert!(mount(&["umount", scratch]));
    assert_eq!(outcome.failure(), ("worker_exhausted", Retryable));
    assert_nothing_is_complete(&outcome);
}
