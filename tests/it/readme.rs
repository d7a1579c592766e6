//! What README.md shows works as it stands there.

use tests::{Token, clip, root, shared};

#[tokio::test(flavor = "multi_thread")]
async fn its_javascript_uploads_a_photo_from_a_page() {
    let stack = shared();
    let photo = root().join("tests/fixtures/photo.jpg");
    let token = Token::of("readme", "alice", "user").sign_dev();
    let events = clip::node(
        "readme.mjs",
        &[stack.origin(), &token, &photo.to_string_lossy()],
    );
    let last = events
        .as_array()
        .and_then(|events| events.last())
        .expect("an event");
    assert_eq!(last["type"], "processing_complete", "{events}");
    let outputs = last["result"]["outputs"].as_array().expect("outputs");
    assert!(
        outputs.iter().all(|output| output["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("http")))
            && !outputs.is_empty(),
        "{events}"
    );
}
