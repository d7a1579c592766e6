//! Outputs as browsers and caches receive them.

use std::time::Duration;

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

/// The second before a date of HTTP, and the second after it.
fn around(date: &str) -> (String, String) {
    let time = httpdate::parse_http_date(date).expect("a date");
    let second = Duration::from_secs(1);
    let text = httpdate::fmt_http_date;
    (text(time - second), text(time + second))
}

/// Headers, status of GET, status of HEAD.
type Condition<'a> = (&'a [(&'a str, &'a str)], u16, u16);

/// Checks conditional requests of `url`, whose full content was answered by `whole`.
async fn check_conditions(client: &Client, url: &str, whole: &Answer) {
    let (etag, date) = (whole.header("etag"), whole.header("last-modified"));
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let (weak, listed) = (format!("W/{etag}"), format!("\"x\", {etag}"));
    let (before, after) = around(date);
    let table: &[Condition<'_>] = &[
        (&[("if-none-match", etag)], 304, 304),
        (&[("if-none-match", &weak)], 304, 304),
        (&[("if-none-match", &listed)], 304, 304),
        (&[("if-none-match", "*")], 304, 304),
        (&[("if-none-match", "\"x\"")], 200, 200),
        (&[("if-modified-since", date)], 304, 304),
        (&[("if-modified-since", &after)], 304, 304),
        (&[("if-modified-since", &before)], 200, 200),
        (
            &[("if-none-match", "\"x\""), ("if-modified-since", date)],
            200,
            200,
        ),
        (&[("if-match", etag)], 200, 200),
        (&[("if-match", &listed)], 200, 200),
        (&[("if-match", "*")], 200, 200),
        (&[("if-match", &weak)], 412, 412),
        (&[("if-match", "\"x\"")], 412, 412),
        (&[("if-unmodified-since", date)], 200, 200),
        (&[("if-unmodified-since", &before)], 412, 412),
        (
            &[("if-match", etag), ("if-unmodified-since", &before)],
            200,
            200,
        ),
        (&[("if-match", "\"x\""), ("if-none-match", etag)], 412, 412),
        // A range is for GET only.
        (&[("range", "bytes=2-4")], 206, 200),
        (&[("range", "bytes=2-4"), ("if-range", etag)], 206, 200),
        (&[("range", "bytes=2-4"), ("if-range", date)], 206, 200),
        (&[("range", "bytes=2-4"), ("if-match", etag)], 206, 200),
        (&[("range", "bytes=2-4"), ("if-range", &weak)], 200, 200),
        (&[("range", "bytes=2-4"), ("if-range", "\"x\"")], 200, 200),
        (&[("range", "bytes=2-4"), ("if-range", &before)], 200, 200),
        (&[("range", "bytes=2-4"), ("if-range", &after)], 200, 200),
        (&[("range", "bytes=2-4"), ("if-none-match", etag)], 304, 304),
        (&[("range", "bytes=2-4"), ("if-match", "\"x\"")], 412, 412),
        (&[("range", "bytes=99999999999999999999-")], 416, 200),
    ];
    for &(headers, of_get, of_head) in table {
        check_condition(client, url, whole, (Method::GET, headers, of_get)).await;
        check_condition(client, url, whole, (Method::HEAD, headers, of_head)).await;
    }
}

/// Checks one request for `bytes=2-4` or everything, by its method, headers and expected status.
async fn check_condition(
    client: &Client,
    url: &str,
    whole: &Answer,
    (method, headers, status): (Method, &[(&str, &str)], u16),
) {
    let is_get = method == Method::GET;
    let answer = client.fetch_with(method, url, headers, Vec::new()).await;
    let what = format!("{} with {headers:?}", answer.request);
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(answer.header("etag"), whole.header("etag"), "{what}");
    let body: &[u8] = match (is_get, status) {
        (true, 200) => &whole.body,
        (true, 206) => &whole.body[2..=4],
        _ => b"",
    };
    assert_eq!(answer.body, body, "{what}");
    if status == 200 {
        let size = whole.body.len().to_string();
        assert_eq!(answer.header("content-length"), size, "{what}");
    }
    if matches!(status, 200 | 206 | 304) {
        for name in ["last-modified", "cache-control", "vary", "accept-ranges"] {
            assert_eq!(answer.header(name), whole.header(name), "{name}: {what}");
        }
    } else {
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    }
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
        check_ranges(&alice, url, &whole.body).await;
        check_conditions(&alice, url, &whole).await;
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
        for header in [
            "authorization",
            "content-type",
            "last-event-id",
            "range",
            "if-range",
            "if-match",
            "if-none-match",
            "if-modified-since",
            "if-unmodified-since",
        ] {
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
        for header in [
            "etag",
            "last-modified",
            "location",
            "content-range",
            "x-request-id",
        ] {
            assert!(exposed.contains(header), "{exposed}");
        }
    }
    let elsewhere = alice
        .send_raw(Method::OPTIONS, "/nowhere", &[ORIGIN], Vec::new())
        .await;
    elsewhere.expect_problem(404, "not_found");
}
