//! A file that is replaced while it is read: a playlist that grows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::json;
use tests::Answer;

use super::turn::{PLAYLIST, output, turn, upload_video};

/// Version `number` of the file: the length says which one it is, and so does every byte.
fn version(number: u8) -> Vec<u8> {
    vec![b'a' + number; 100 + usize::from(number)]
}

/// The version that an answer to a request for `bytes=1-` belongs to, by its bytes. Checks that its headers belong to it as well.
fn check(answer: &Answer) -> u8 {
    let number = answer.body[0] - b'a';
    let whole = version(number);
    let size = whole.len();
    assert_eq!(answer.status, 206, "{}", answer.text());
    assert_eq!(answer.body, &whole[1..]);
    let range = format!("bytes 1-{}/{size}", size - 1);
    assert_eq!(answer.header("content-range"), range);
    number
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_and_headers_are_of_the_same_version() {
    let turn = turn().await;
    let worker = turn.worker("w-replaced");
    let (alice, _events) = turn.user("worker-replaced", "alice").await;
    let created = upload_video(&alice, "public").await;
    let claim = worker.claim(&created).await;
    let store = async |number| {
        let (worker, claim) = (&worker, &claim);
        worker
            .store(claim, "hls/master.m3u8", &version(number), PLAYLIST)
            .await;
    };
    store(0).await;
    let early = json!({"outputs": [output("hls", "hls/master.m3u8", PLAYLIST, 100)]});
    let _ = worker
        .verb(&claim, "heartbeat", &json!({"early": early}))
        .await
        .expect(200);
    let path = format!("/v1/assets/{}/playback", created.asset_id);
    let shown = alice.get(&path).await.expect(200);
    let url = shown["hls_url"].as_str().unwrap().to_owned();

    let has_ended = AtomicBool::new(false);
    let write = async {
        for number in 1..25 {
            store(number).await;
        }
        has_ended.store(true, Ordering::Relaxed);
    };
    let read = async {
        let mut etags = HashMap::new();
        while !has_ended.load(Ordering::Relaxed) {
            let range = [("range", "bytes=1-")];
            let answer = alice
                .fetch_with(Method::GET, &url, &range, Vec::new())
                .await;
            let etag = answer.header("etag").to_owned();
            let number = check(&answer);
            assert_eq!(*etags.entry(etag).or_insert(number), number);
        }
        etags.len()
    };
    let ((), versions) = futures_util::future::join(write, read).await;
    assert!(versions > 1, "no version was replaced");
    let _ = worker.finish_with_poster(&claim).await.expect(200);
}
