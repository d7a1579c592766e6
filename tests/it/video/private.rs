//! Private videos: every file needs a token in its path.

use reqwest::Method;
use serde_json::json;
use tests::{Clip, clip, shared_with_worker};

use super::{end, follow, playback, url};

#[tokio::test(flavor = "multi_thread")]
async fn a_private_video_plays_by_its_path_token_only() {
    let stack = shared_with_worker();
    let alice = stack.caller("private-video", "alice", "user");
    let mut events = follow(&alice).await;
    let clip = Clip::video(640, 360, 25, 4);
    let document =
        json!({"filename": clip.name, "content_type": clip.content_type, "visibility": "private"});
    let created = alice.upload_with(&document, clip.bytes.clone()).await;
    let early = playback(&alice, &created).await;
    let part = [("range", "bytes=10-19")];
    let original = alice
        .fetch_with(Method::GET, url(&early, "original_url"), &part, Vec::new())
        .await;
    assert_eq!(
        (original.status, original.body.as_slice()),
        (206, &clip.bytes[10..20])
    );
    let event = end(&mut events, &created).await;
    assert_eq!(event.name, "processing_complete", "{}", event.data);

    let path = format!("/v1/assets/{}/playback", created.asset_id);
    alice
        .without_token()
        .get(&path)
        .await
        .expect_problem(404, "not_found");
    stack
        .caller("private-video", "bob", "user")
        .get(&path)
        .await
        .expect_problem(404, "not_found");
    let original = format!("/v1/assets/{}/original", created.asset_id);
    let stranger = alice.without_token().get(&original).await;
    assert!(matches!(stranger.status, 401 | 404), "{}", stranger.status);

    let playback = playback(&alice, &created).await;
    let hls = url(&playback, "hls_url");
    assert!(hls.contains("/stream/"), "{hls}");
    assert_eq!(clip::warnings(hls), "");
    let parsed = clip::node("parse.mjs", &[hls]);
    let segment = parsed["variants"][0]["segments"][0]["url"]
        .as_str()
        .unwrap();
    let answer = alice
        .fetch_with(
            Method::GET,
            segment,
            &[("range", "bytes=0-9"), ("origin", "https://example.com")],
            Vec::new(),
        )
        .await;
    assert_eq!((answer.status, answer.body.len()), (206, 10));
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert!(answer.header("cache-control").contains("private"));

    let (head, rest) = segment.split_once("/stream/").unwrap();
    let (token, file) = rest.split_once('/').unwrap();
    let mut forged: Vec<char> = token.chars().collect();
    let last = forged.len() - 2;
    forged[last] = if forged[last] == 'A' { 'B' } else { 'A' };
    let forged: String = forged.into_iter().collect();
    assert_eq!(
        alice
            .fetch(&format!("{head}/stream/{forged}/{file}"))
            .await
            .status,
        404
    );
    // No object is in the public bucket.
    let public = stack
        .public_bucket()
        .keys(&format!("m/{}/", created.asset_id))
        .await;
    assert!(public.is_empty(), "{public:?}");
}
