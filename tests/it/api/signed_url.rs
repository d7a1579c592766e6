//! A signed URL is valid for one object, size, type and method, for a limited time, and once.

use image::ImageFormat;
use reqwest::Method;
use serde_json::Value;
use tests::{Client, Created, shared};

use crate::images::made;

/// A use of the URL that is not covered by its signature.
struct Misuse {
    name: &'static str,
    method: Method,
    url: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

const HEADERS: [(&str, &str); 2] = [("content-type", "image/png"), ("if-none-match", "*")];

/// Replaces the value of a query parameter by `change(value)`.
fn with_parameter(url: &str, name: &str, change: impl Fn(&str) -> String) -> String {
    let (before, rest) = url.split_once(&format!("{name}=")).unwrap();
    let (value, after) = rest.split_at(rest.find('&').unwrap_or(rest.len()));
    let changed = change(value);
    assert_ne!(changed, value);
    format!("{before}{name}={changed}{after}")
}

/// Changes the last digit.
fn other_digit(text: &str) -> String {
    let (before, last) = text.split_at(text.len() - 1);
    format!("{before}{}", if last == "7" { "3" } else { "7" })
}

fn misuses(url: &str, asset_id: &str, body: &[u8]) -> Vec<Misuse> {
    let put = |name, url: String| Misuse {
        name,
        method: Method::PUT,
        url,
        headers: HEADERS.to_vec(),
        body: body.to_vec(),
    };
    let same = || url.to_owned();
    let with_body = |name, body: Vec<u8>| Misuse {
        body,
        ..put(name, same())
    };
    let with_headers = |name, headers: &[(&'static str, &'static str)]| Misuse {
        headers: headers.to_vec(),
        ..put(name, same())
    };
    let date = |date: &str| format!("{}Z", other_digit(date.trim_end_matches('Z')));
    vec![
        put(
            "another object",
            url.replace(asset_id, &other_digit(asset_id)),
        ),
        put(
            "another bucket",
            url.replace("/ferrotype-raw/", "/ferrotype-public/"),
        ),
        put(
            "a longer lifetime",
            with_parameter(url, "X-Amz-Expires", other_digit),
        ),
        put("another date", with_parameter(url, "X-Amz-Date", date)),
        put(
            "another signature",
            with_parameter(url, "X-Amz-Signature", other_digit),
        ),
        put("an additional parameter", format!("{url}&x-id=PutObject")),
        with_body("one extra byte", [body, b"!"].concat()),
        with_body("a missing byte", body[..body.len() - 1].to_vec()),
        with_headers(
            "another type",
            &[("content-type", "text/html"), ("if-none-match", "*")],
        ),
        with_headers("no type", &[("if-none-match", "*")]),
        with_headers("overwriting allowed", &[("content-type", "image/png")]),
        with_headers(
            "overwriting another version",
            &[("content-type", "image/png"), ("if-none-match", "\"x\"")],
        ),
    ]
}

/// Methods that the URL is not signed for.
fn other_methods(url: &str, body: &[u8]) -> Vec<Misuse> {
    let methods = [
        ("GET", Method::GET, Vec::new()),
        ("HEAD", Method::HEAD, Vec::new()),
        ("DELETE", Method::DELETE, Vec::new()),
        ("POST", Method::POST, body.to_vec()),
    ];
    let misuse = |(name, method, body)| Misuse {
        name,
        method,
        url: url.to_owned(),
        headers: HEADERS.to_vec(),
        body,
    };
    methods.into_iter().map(misuse).collect()
}

async fn check_refused(client: &Client, misuses: Vec<Misuse>) {
    for misuse in misuses {
        let answer = client
            .fetch_with(misuse.method, &misuse.url, &misuse.headers, misuse.body)
            .await;
        assert!(
            (400..500).contains(&answer.status),
            "{} was answered {}",
            misuse.name,
            answer.status
        );
    }
}

async fn stored(client: &Client, created: &Created) -> Vec<u8> {
    let redirect = client
        .get(&format!("/v1/assets/{}/original", created.asset_id))
        .await;
    assert_eq!(redirect.status, 302, "{}", redirect.text());
    let original = client.fetch(redirect.header("location")).await;
    assert_eq!(original.status, 200, "{}", original.text());
    original.body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_url_accepts_exactly_one_put() {
    let stack = shared();
    let alice = stack.caller("signed-url", "alice", "user");
    let image = made(64, 48, ImageFormat::Png);
    let body = image.bytes.clone();
    let created = alice.create("small.png", "image/png", body.len()).await;
    let url = created.upload["url"].as_str().unwrap();
    assert_eq!(created.upload["headers"], headers_document());

    check_refused(&alice, misuses(url, &created.asset_id, &body)).await;
    check_refused(&alice, other_methods(url, &body)).await;
    assert!(
        stack
            .raw_bucket()
            .keys("")
            .await
            .iter()
            .all(|key| !key.contains(&created.asset_id)),
        "something was stored"
    );
    alice
        .complete(&created.asset_id)
        .await
        .expect_problem(409, "upload_missing");

    // The rejected attempts did not consume the URL.
    let _ = alice.put(&created.upload, body.clone()).await.expect(200);
    let again = alice.put(&created.upload, body.clone()).await;
    assert_eq!(again.status, 412, "{}", again.text());
    let mut other = body.clone();
    other[40] ^= 1;
    let other = alice.put(&created.upload, other).await;
    assert_eq!(other.status, 412, "{}", other.text());
    check_refused(&alice, other_methods(url, &body)).await;

    let _ = alice.complete(&created.asset_id).await.expect(202);
    assert_eq!(stored(&alice, &created).await, body);
    check_refused(&alice, misuses(url, &created.asset_id, &body)).await;
    assert_eq!(stored(&alice, &created).await, body);
}

fn headers_document() -> Value {
    HEADERS
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_four_parallel_puts_wins() {
    let stack = shared();
    let alice = stack.caller("signed-url", "racer", "user");
    let bodies: Vec<Vec<u8>> = (0_u8..4)
        .map(|number| {
            let mut body = made(64, 48, ImageFormat::Png).bytes;
            // After the end of the image data.
            body.extend([number; 16]);
            body
        })
        .collect();
    let created = alice.create("race.png", "image/png", bodies[0].len()).await;
    let puts = bodies
        .iter()
        .map(|body| alice.put(&created.upload, body.clone()));
    let statuses: Vec<u16> = futures_util::future::join_all(puts)
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    let winner = statuses.iter().position(|status| *status == 200).unwrap();
    for (index, status) in statuses.iter().enumerate() {
        assert!(index == winner || *status == 412, "{statuses:?}");
    }
    let _ = alice.complete(&created.asset_id).await.expect(202);
    assert_eq!(stored(&alice, &created).await, bodies[winner]);
}
