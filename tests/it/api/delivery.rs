//! Outputs as browsers and caches receive them.

use image::ImageFormat;
use reqwest::Method;
use serde_json::json;
use shared::api::Op;
use tests::{Answer, Client, shared as shared_stack};

use crate::images::made;

const ORIGIN: (&str, &str) = ("origin", "https://page.example");

async fn get(client: &Client, url: &str, headers: &[(&str, &str)]) -> Answer {
    client
        .fetch_with(Method::GET, url, headers, Vec::new())
        .await
}

/// Checks ranges of `url`, whose full content is `whole`.
async fn check_ranges(client: &Client, url: &str, whole: &[u8]) {
    let size = whole.len();
    let last = size - 1;
    for (range, from, to) in [
        ("bytes=0-".to_owned(), 0, last),
        ("bytes=0-0".to_owned(), 0, 0),
        ("bytes=10-19".to_owned(), 10, 19),
        (format!("bytes={last}-"), last, last),
        (format!("bytes=0-{}", size * 2), 0, last),
        ("bytes=-5".to_owned(), size - 5, last),
        (format!("bytes=-{}", size * 2), 0, last),
    ] {
        let part = get(client, url, &[("range", &range)]).await;
        assert_eq!(part.status, 206, "{range}");
        assert_eq!(
            part.header("content-range"),
            format!("bytes {from}-{to}/{size}"),
            "{range}"
        );
        assert_eq!(part.header("content-length"), (to - from + 1).to_string());
        assert_eq!(part.body, &whole[from..=to], "{range}");
    }
    for range in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
        let answer = get(client, url, &[("range", &range)]).await;
        assert_eq!(answer.status, 416, "{range}");
        assert_eq!(answer.header("content-range"), format!("bytes */{size}"));
    }
    // An invalid range, or more than one, is answered with the full content.
    for range in [
        "bytes=5-2",
        "bytes=0-1,3-4",
        "lines=1-2",
        "bytes=",
        "bytes=a-b",
        "",
    ] {
        let answer = get(client, url, &[("range", range)]).await;
        assert_eq!((answer.status, answer.body.len()), (200, size), "{range}");
    }
}

async fn check_validators(client: &Client, url: &str, etag: &str) {
    for value in [
        etag.to_owned(),
        format!("W/{etag}"),
        format!("\"x\", {etag}"),
        "*".to_owned(),
    ] {
        let answer = get(client, url, &[("if-none-match", &value)]).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{value}");
        assert_eq!(answer.header("etag"), etag);
    }
    let answer = get(client, url, &[("if-none-match", "\"x\"")]).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn outputs_have_ranges_validators_and_security_headers() {
    let stack = shared_stack();
    let alice = stack.caller("delivery", "alice", "user");
    let mut events = alice.events("", None).await;
    for (visibility, cache) in [
        ("public", "public, max-age=31536000, immutable"),
        ("private", "private, max-age=3600"),
    ] {
        let document =
            json!({"filename": "a.png", "content_type": "image/png", "visibility": visibility});
        let created = alice
            .upload_with(&document, made(300, 200, ImageFormat::Png).bytes)
            .await;
        let complete = events
            .next_of("processing_complete", &created.asset_id)
            .await;
        let output = &complete.data["result"]["outputs"][0];
        let url = output["url"].as_str().unwrap();
        let whole = get(&alice, url, &[]).await;
        assert_eq!(output["size_bytes"], whole.body.len());
        let head = alice.fetch_with(Method::HEAD, url, &[], Vec::new()).await;
        for answer in [&whole, &head] {
            assert_eq!(answer.status, 200);
            for (name, value) in [
                ("content-type", "image/webp"),
                ("cache-control", cache),
                ("accept-ranges", "bytes"),
                ("x-content-type-options", "nosniff"),
                ("content-security-policy", "default-src 'none'; sandbox"),
                ("cross-origin-resource-policy", "cross-origin"),
                ("access-control-allow-origin", "*"),
                ("content-length", &*whole.body.len().to_string()),
            ] {
                assert_eq!(answer.header(name), value, "{name} of {}", answer.request);
            }
            assert_eq!(answer.header("set-cookie"), "");
        }
        assert!(head.body.is_empty());
        let etag = whole.header("etag");
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
        check_ranges(&alice, url, &whole.body).await;
        check_validators(&alice, url, etag).await;
        let missing = format!("{}/huge.webp", url.rsplit_once('/').unwrap().0);
        let missing = get(&alice, &missing, &[("range", "bytes=0-")]).await;
        missing.expect_problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_origins_may_call_without_credentials() {
    let stack = shared_stack();
    let alice = stack.caller("delivery", "bob", "user");
    for op in Op::ALL {
        let path = op
            .path()
            .replace("{asset_id}", "ast_00000000000000000000000000")
            .replace("{job_id}", "job_00000000000000000000000000")
            .replace("{*key}", "x")
            .replace("{token}", "x")
            .replace("{*file}", "x");
        let headers = [
            ORIGIN,
            ("access-control-request-method", op.method().as_str()),
            (
                "access-control-request-headers",
                "authorization,content-type",
            ),
        ];
        let preflight = alice
            .without_token()
            .send_raw(Method::OPTIONS, &path, &headers, Vec::new())
            .await;
        assert_eq!(preflight.status, 204, "{path}");
        assert_eq!(preflight.header("access-control-allow-origin"), "*");
        assert_eq!(preflight.header("access-control-allow-credentials"), "");
        let methods = preflight.header("access-control-allow-methods");
        assert!(methods.contains(op.method().as_str()), "{path}: {methods}");
        for header in ["authorization", "content-type", "last-event-id"] {
            assert!(
                preflight
                    .header("access-control-allow-headers")
                    .contains(header)
            );
        }
    }
    // Errors must be readable by other origins, too.
    for (client, status) in [(alice.clone(), 200), (alice.without_token(), 401)] {
        let answer = client
            .send_raw(Method::GET, "/v1/assets", &[ORIGIN], Vec::new())
            .await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let exposed = answer
            .header("access-control-expose-headers")
            .to_lowercase();
        for header in ["etag", "location", "content-range", "x-request-id"] {
            assert!(exposed.contains(header), "{exposed}");
        }
    }
    let elsewhere = alice
        .send_raw(Method::OPTIONS, "/nowhere", &[ORIGIN], Vec::new())
        .await;
    elsewhere.expect_problem(404, "not_found");
}
