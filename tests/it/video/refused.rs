//! Files that are not the video that they claim to be, and attacks by such files.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tests::{Client, Clip, Stack, shared_with_worker};

use super::{end, follow};

/// A server on this machine that counts its connections.
fn trap() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let hits = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&hits);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            counter.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        }
    });
    (port, hits)
}

/// Uploads bytes as a video; returns the code of the rejection, by `complete` or by the worker.
async fn refusal(client: &Client, name: &str, bytes: Vec<u8>) -> String {
    let mut events = follow(client).await;
    let document =
        json!({"filename": name, "content_type": "video/mp4", "size_bytes": bytes.len()});
    let created = client.create_with(&document).await;
    let _ = client.put(&created.upload, bytes).await.expect(200);
    let answer = client.complete(&created.asset_id).await;
    let code = if answer.status == 202 {
        let event = end(&mut events, &created).await;
        assert_eq!(event.name, "processing_failed", "{name}: {}", event.data);
        event.data["error"]["code"].clone()
    } else {
        answer.json()["code"].clone()
    };
    let asset = client.asset(&created.asset_id).await.expect(200);
    assert_eq!(
        (&asset["state"], &asset["outputs"]),
        (&"failed".into(), &json!([])),
        "{name}"
    );
    assert_eq!(asset["error"]["code"], code);
    code.as_str().unwrap_or_default().to_owned()
}

/// Checks that the public bucket has no outputs.
async fn check_no_outputs(stack: &Stack) {
    let found = stack.public_bucket().keys("m/").await;
    assert!(
        found.iter().all(|key| !key.contains("refused")),
        "{found:?}"
    );
}

/// A text after the first box of an MP4, which is all that `complete` examines.
fn behind_a_box(text: &str) -> Vec<u8> {
    let mut bytes = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42".to_vec();
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn disguised_playlists_cause_no_requests() {
    let stack = shared_with_worker();
    let alice = stack.caller("refused", "playlists", "user");
    let (port, hits) = trap();
    let target = format!("http://127.0.0.1:{port}/secret");
    let texts = [
        (
            "hls.mp4",
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{target}.ts\n#EXT-X-ENDLIST\n"),
        ),
        (
            "dash.mp4",
            format!(
                "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT1S\"><Period><AdaptationSet mimeType=\"video/mp4\"><Representation id=\"1\" bandwidth=\"1\"><BaseURL>{target}.mp4</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>"
            ),
        ),
        (
            "concat.mp4",
            format!("ffconcat version 1.0\nfile '{target}.mp4'\n"),
        ),
        (
            "local.mp4",
            "ffconcat version 1.0\nfile '/etc/passwd'\n".to_owned(),
        ),
        (
            "sdp.mp4",
            format!(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
            ),
        ),
        ("text.mp4", "just a text\n".repeat(50)),
        (
            "svg.mp4",
            format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"{target}\"/></svg>"),
        ),
    ];
    for (name, text) in texts {
        let code = refusal(&alice, name, text.clone().into_bytes()).await;
        assert_eq!(code, "upload_type_mismatch", "{name}");
        let code = refusal(&alice, name, behind_a_box(&text)).await;
        assert!(code.starts_with("media_"), "{name} after a box: {code}");
    }
    // A reference inside a valid container: `dref` with an absolute URL.
    let mut bytes = Clip::video(320, 180, 10, 1).bytes;
    if let Some(at) = bytes.windows(4).position(|word| word == b"url ") {
        // Flags 0: the data is in another file.
        bytes[at + 4..at + 8].copy_from_slice(&[0; 4]);
    }
    let _ = refusal_or_success(&alice, bytes).await;
    assert_eq!(hits.load(Ordering::SeqCst), 0, "the trap was contacted");
    check_no_outputs(&stack).await;
}

async fn refusal_or_success(client: &Client, bytes: Vec<u8>) -> String {
    let mut events = follow(client).await;
    let created = client.upload("dref.mp4", "video/mp4", bytes).await;
    end(&mut events, &created).await.name
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_videos_fail_with_a_clear_code() {
    let stack = shared_with_worker();
    let alice = stack.caller("refused", "broken", "user");
    let clip = Clip::video(640, 360, 25, 10);
    assert_eq!(
        refusal(&alice, "truncated.mp4", clip.clone().truncated().bytes).await,
        "media_truncated"
    );
    let late = Clip::made(
        "late.mp4",
        "-f lavfi -i testsrc2=s=320x180:d=4 -c:v libx264 -preset ultrafast",
    );
    let code = refusal(&alice, "no-index.mp4", late.truncated().bytes).await;
    assert!(
        matches!(code.as_str(), "media_truncated" | "media_unreadable"),
        "{code}"
    );
    let mut noise = clip.bytes[..32].to_vec();
    noise.extend(
        (0..20_000_u32).map(|index| u8::try_from(index.wrapping_mul(2_654_435_761) >> 24).unwrap()),
    );
    let code = refusal(&alice, "noise.mp4", noise).await;
    assert!(
        matches!(code.as_str(), "media_truncated" | "media_unreadable"),
        "{code}"
    );
    let subtitles = Clip::made_from(
        "subs.mp4",
        "-i subs.srt -c:s mov_text",
        &[("subs.srt", b"1\n00:00:00,000 --> 00:00:01,000\nhello\n")],
    );
    assert_eq!(
        refusal(&alice, "subs.mp4", subtitles.bytes).await,
        "media_no_streams"
    );
}
