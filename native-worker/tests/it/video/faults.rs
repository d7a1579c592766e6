//! What goes wrong ends in a clear failure or in a verified success, never in a broken output.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use axum::http::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use shared::job::FailureClass::{Permanent, Retryable};

use super::studio::{Outcome, Studio};
use crate::bucket::{Fault, Seen};
use crate::fixtures;

async fn fails(path: &Path) -> (&'static str, shared::job::FailureClass) {
    Studio::open().await.make(path).await.failure()
}

/// The encoder's process, once it runs.
async fn encoder(studio: &Studio) -> Pid {
    loop {
        if let Some(pid) = find_encoder(&studio.scratch) {
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

/// State of a process as the kernel writes it: `R`, `T`, …; `None` when it is gone.
fn state(pid: Pid) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// A sound index, and noise where the pictures should be.
#[tokio::test]
async fn content_that_is_noise_fails_at_once() {
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

/// Nothing that was stored says that it is whole.
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
async fn what_is_no_film() {
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
async fn a_playlist_in_disguise_asks_nobody() {
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
    assert!(listener.accept().is_err(), "somebody asked");
}

#[tokio::test]
async fn what_is_too_large() {
    assert_eq!(
        fails(&fixtures::huge_header()).await,
        ("media_too_large", Permanent)
    );
    let studio = Studio::open().await;
    let preset = json!({"limits": {"duration_max_ms": 1000}});
    let outcome = studio.make_with(&fixtures::plain(), &preset).await;
    assert_eq!(outcome.failure(), ("media_too_large", Permanent));
}

#[tokio::test]
async fn what_is_cut_off() {
    let outcome = Studio::open().await.make(&fixtures::truncated()).await;
    assert_eq!(outcome.failure(), ("media_truncated", Permanent));
    assert_nothing_is_complete(&outcome);
    assert_eq!(
        fails(&fixtures::index_missing()).await,
        ("media_truncated", Permanent)
    );
}

#[tokio::test]
async fn a_bucket_with_a_passing_fault() {
    let studio = Studio::open().await;
    studio.bucket.faults(
        Method::PUT,
        &[Fault::Error500, Fault::Error500, Fault::Damaged],
    );
    let outcome = studio.make(&fixtures::plain()).await;
    outcome.assert_plays();
}

/// The MP4 is put together from what is read back; a body that breaks off there is neither its end nor that of the work.
#[tokio::test]
async fn a_bucket_whose_answers_break_off() {
    for (faults, failure) in [(4, None), (1_000, Some(("storage_failed", Retryable)))] {
        let studio = Studio::open().await;
        let film = fixtures::plain();
        let (outcome, ()) = tokio::join!(studio.make(&film), async {
            // The original is there by then.
            let is_segment = |seen: &Seen| seen.path.contains(".m4s");
            while !studio.bucket.seen(&Method::PUT).iter().any(is_segment) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            studio.bucket.break_off(".m4s", faults);
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
async fn a_bucket_that_takes_nothing() {
    let studio = Studio::open().await;
    studio.bucket.faults(Method::PUT, &[Fault::Error500; 1_000]);
    let outcome = studio.make(&fixtures::plain()).await;
    assert_eq!(outcome.failure(), ("storage_failed", Retryable));
    assert!(outcome.early.is_empty(), "{:?}", outcome.early);
    assert!(find_encoder(&studio.scratch).is_none());
}

#[tokio::test]
async fn an_encoder_that_is_told_to_end() {
    for (signal, code) in [
        (Signal::TERM, "encode_failed"),
        (Signal::KILL, "worker_exhausted"),
    ] {
        let studio = Studio::open().await;
        let film = fixtures::longer();
        let (outcome, ()) = tokio::join!(studio.make(&film), async {
            kill_process(encoder(&studio).await, signal).unwrap();
        });
        assert_eq!(outcome.failure(), (code, Retryable));
        assert_nothing_is_complete(&outcome);
    }
}

#[tokio::test]
async fn an_encoder_that_hangs() {
    let mut studio = Studio::open().await;
    studio.config.stall = Duration::from_secs(1);
    let film = fixtures::longer();
    let (outcome, pid) = tokio::join!(studio.make(&film), async {
        let pid = encoder(&studio).await;
        kill_process(pid, Signal::STOP).unwrap();
        pid
    });
    assert_eq!(outcome.failure(), ("encode_stalled", Retryable));
    assert_eq!(state(pid), None);
    assert_nothing_is_complete(&outcome);
}

#[tokio::test]
async fn a_work_that_is_stopped() {
    let studio = Studio::open().await;
    let film = fixtures::longer();
    let (outcome, pid) = tokio::join!(studio.make(&film), async {
        let pid = encoder(&studio).await;
        studio.stop.cancel();
        pid
    });
    assert_eq!(outcome.failure().1, Retryable);
    assert_eq!(state(pid), None);
    assert_nothing_is_complete(&outcome);
}

/// Uploads hang: the encoder is held before its files are too many, and that does not count as stalled.
#[tokio::test]
async fn an_encoder_that_is_faster_than_the_bucket() {
    let mut studio = Studio::open().await;
    studio.config.stall = Duration::from_secs(3);
    studio.bucket.hang(".m4s");
    let film = fixtures::noisy();
    let preset = json!({
        "rungs": [{"short_side": 720, "maxrate_bps": 60_000_000, "crf": 1}], "speed": "ultrafast",
    });
    let (outcome, ()) = tokio::join!(studio.make_with(&film, &preset), async {
        let pid = encoder(&studio).await;
        while state(pid) != Some('T') {
            assert!(state(pid).is_some(), "it ended before it was held");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let size = |folder: &Path| {
            let files = std::fs::read_dir(folder).unwrap();
            files
                .map(|file| file.unwrap().metadata().unwrap().len())
                .sum::<u64>()
        };
        assert!(size(&studio.scratch.join("hls")) < 64 << 20);
        // Longer than it may stall.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(state(pid), Some('T'));
        studio.stop.cancel();
    });
    assert_nothing_is_complete(&outcome);
}

/// ffmpeg does so when the disk is full at its very end: it says an error, ends with code 0, and the file is no whole one.
#[tokio::test]
async fn a_muxer_that_fails_and_ends_well() {
    let mut studio = Studio::open().await;
    let tools = tempfile::tempdir().unwrap();
    let program = tools.path().join("ffmpeg");
    let script = "#!/bin/sh\ncase \"$*\" in *video.mp4*) \
                  echo '[mp4 @ 0x1] [error] Error writing trailer: No space left on device' >&2;; esac\n\
                  exec ffmpeg \"$@\"\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    studio.config.ffmpeg = program;
    let outcome = studio.make(&fixtures::plain()).await;
    assert_eq!(outcome.failure(), ("worker_exhausted", Retryable));
    assert!(!outcome.root.join("video.mp4").exists());
}

/// As root only: a disk of its own is mounted.
#[tokio::test]
async fn a_full_disk() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let studio = Studio::open().await;
    // No stream of it can be copied: the ladder is what fills the disk.
    let film = fixtures::mpeg2();
    let size = film.metadata().unwrap().len() + 300_000;
    let mount = |arguments: &[&str]| {
        let status = std::process::Command::new(arguments[0])
            .args(&arguments[1..])
            .status();
        status.unwrap().success()
    };
    let scratch = studio.scratch.to_str().unwrap();
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
    let outcome = studio.make(&film).await;
    assert!(mount(&["umount", scratch]));
    assert_eq!(outcome.failure(), ("worker_exhausted", Retryable));
    assert_nothing_is_complete(&outcome);
}
