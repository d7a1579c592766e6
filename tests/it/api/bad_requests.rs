//! Invalid requests: each is rejected with its stable error code.

use reqwest::Method;
use serde_json::{Value, json};
use shared::api::Op;
use tests::{Client, shared as shared_stack};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A user of this module's tenant, one per test.
fn user(stack: &tests::Stack, name: &str) -> Client {
    stack.caller("bad-requests", name, "user")
}

/// A request that is valid except for one field.
fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut body = json!({"filename": "a.jpg", "content_type": "image/jpeg", "size_bytes": 100});
    body[field] = value.into();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_a_new_asset_are_validated() {
    let stack = shared_stack();
    let alice = user(&stack, "fields");
    let big: Value = "x".repeat(8_192).into();
    let table = [
        (with("size_bytes", 0), "file_empty"),
        (with("size_bytes", -1), "size_invalid"),
        (with("size_bytes", 1.5), "size_invalid"),
        (with("size_bytes", 500_000_001), "file_too_large"),
        (with("size_bytes", u64::MAX), "file_too_large"),
        (with("size_bytes", 1e30), "file_too_large"),
        (with("size_bytes", -1e30), "size_invalid"),
        (with("size_bytes", "100"), "request_invalid"),
        (with("size_bytes", Value::Null), "request_invalid"),
        (with("content_type", "text/html"), "media_type_unsupported"),
        (
            with("content_type", "image/svg+xml"),
            "media_type_unsupported",
        ),
        (
            with("content_type", "video/mp4;x=a,text/html"),
            "media_type_unsupported",
        ),
        (with("content_type", ""), "media_type_unsupported"),
        (
            with("content_type", "image/jpeg\r\nx: y"),
            "media_type_unsupported",
        ),
        (with("filename", ""), "filename_invalid"),
        (with("filename", "a\0.jpg"), "filename_invalid"),
        (with("filename", "x".repeat(1_025)), "filename_invalid"),
        (with("filename", "é".repeat(513)), "filename_invalid"),
        (with("filename", 7), "request_invalid"),
        (with("sha256", "abc"), "checksum_invalid"),
        (with("sha256", "A".repeat(64)), "checksum_invalid"),
        (with("visibility", "secret"), "request_invalid"),
        (with("metadata", json!({"big": big})), "metadata_invalid"),
        (with("metadata", json!([])), "request_invalid"),
        (
            with("owner", json!({"type": "", "id": "1"})),
            "metadata_invalid",
        ),
        (with("owner", json!({"type": "course"})), "request_invalid"),
        (
            with("owner", json!({"type": "a", "id": "1", "x": 1})),
            "request_invalid",
        ),
        (with("state", "ready"), "request_invalid"),
        (
            with("id", "ast_00000000000000000000000000"),
            "request_invalid",
        ),
        (json!({}), "request_invalid"),
        (json!([]), "request_invalid"),
        (json!("text"), "request_invalid"),
        (json!(["a.jpg", "image/jpeg", 100]), "request_invalid"),
        (with("owner", json!(["course", "1"])), "request_invalid"),
        (Value::Null, "request_invalid"),
    ];
    for (body, code) in table {
        let answer = alice.post("/v1/assets", &body).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &code.into()),
            "{body}"
        );
    }
    let listed = alice.get("/v1/assets").await.expect(200);
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_integer_may_be_written_as_any_json_number_that_is_whole() {
    let stack = shared_stack();
    let alice = user(&stack, "numbers");
    let post = async |size: &str| {
        let body =
            format!(r#"{{"filename": "a", "content_type": "image/png", "size_bytes": {size}}}"#);
        alice
            .send_raw(Method::POST, "/v1/assets", &JSON, body.into())
            .await
    };
    for (size, value) in [("314.0", 314), ("1e3", 1_000), ("3.14e2", 314)] {
        let created = post(size).await.expect(201);
        assert_eq!(created["asset"]["size_bytes"], value, "{size}");
    }
    post("1e12").await.expect_problem(400, "file_too_large");
    post("3.14").await.expect_problem(400, "size_invalid");
    let worker = stack.caller("bad-requests", "numbers", "worker");
    let pull = "/v1/queues/media-jobs/messages/pull";
    let send = async |body: &str| {
        worker
            .send_raw(Method::POST, pull, &JSON, body.into())
            .await
    };
    let _ = send(r#"{"batch_size": 1.0, "wait_ms": 0e0}"#)
        .await
        .expect(200);
    let answer = send(r#"{"batch_size": 1.5}"#).await;
    answer.expect_problem(400, "request_invalid");
    assert_eq!(answer.json()["detail"], "batch_size must be an integer.");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_the_field_in_plain_words() {
    let stack = shared_stack();
    let alice = user(&stack, "words");
    for (body, detail) in [
        (with("size_bytes", "100"), "size_bytes must be an integer."),
        (
            with("visibility", "secret"),
            "visibility must be one of: public, private.",
        ),
        (
            with("owner", json!({"type": "course"})),
            "owner.id is required.",
        ),
        (
            with("owner", json!({"type": "a", "id": "1", "x": 1})),
            "owner.x is not a known field; known: type, id.",
        ),
        (json!([]), "The body must be an object."),
    ] {
        let answer = alice.post("/v1/assets", &body).await;
        assert_eq!(answer.json()["detail"], detail, "{body}");
    }
    let worker = stack.caller("bad-requests", "words", "worker");
    let job = "job_00000000000000000000000000";
    let made =
        json!({"outputs": [{"name": "a", "file": "a", "content_type": "a", "size_bytes": "1"}]});
    let finish = json!({"attempt": 1, "lease_token": "t", "made": made});
    let answer = worker
        .post(&format!("/v1/jobs/{job}/finish"), &finish)
        .await;
    assert_eq!(
        answer.json()["detail"],
        "made.outputs[0].size_bytes must be an integer."
    );
    let fail = json!({"attempt": 1, "lease_token": "t", "code": "not_found", "detail": "", "class": "permanent"});
    let answer = worker.post(&format!("/v1/jobs/{job}/fail"), &fail).await;
    answer.expect_problem(400, "request_invalid");
    let detail = answer.json()["detail"].clone();
    let detail = detail.as_str().unwrap();
    assert!(
        detail.starts_with("code must be one of: upload_missing, "),
        "{detail}"
    );
    assert!(!detail.contains("not_found"), "{detail}");
    let register = json!({"version": "1", "ffmpeg_version": "7", "cores": 1, "slots": 0, "encoders": [], "state": "active"});
    let answer = worker.post("/v1/workers", &register).await;
    answer.expect_problem(400, "request_invalid");
    assert_eq!(
        answer.json()["detail"],
        "slots must be an integer from 1 to 1024."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_json() {
    let stack = shared_stack();
    let alice = user(&stack, "bodies");
    let deep = format!("{{\"metadata\": {{\"x\": {}", "[".repeat(100_000));
    let good = with("size_bytes", 1).to_string();
    for body in [
        "",
        "{",
        "nonsense",
        "{\"filename\": \"\\ud800\"}",
        "{\"size_bytes\": NaN}",
        &format!("{good} {{}}"),
        &deep,
    ] {
        let answer = alice
            .send_raw(Method::POST, "/v1/assets", &JSON, body.into())
            .await;
        answer.expect_problem(400, "json_invalid");
    }
    let answer = alice
        .send_raw(
            Method::POST,
            "/v1/assets",
            &JSON,
            b"{\"filename\": \"\xff\xfe\"}".to_vec(),
        )
        .await;
    answer.expect_problem(400, "json_invalid");
    let twice =
        br#"{"filename": "a", "filename": "b", "content_type": "image/png", "size_bytes": 1}"#;
    let answer = alice
        .send_raw(Method::POST, "/v1/assets", &JSON, twice.to_vec())
        .await;
    answer.expect_problem(400, "request_invalid");

    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
    ] {
        let headers = [("content-type", content_type)];
        let answer = alice
            .send_raw(Method::POST, "/v1/assets", &headers, good.clone().into())
            .await;
        answer.expect_problem(415, "content_type_unsupported");
    }
    let headers = [("content-type", "Application/JSON; charset=utf-8")];
    let answer = alice
        .send_raw(Method::POST, "/v1/assets", &headers, good.into())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());

    for size in [300_000, 5_000_000] {
        let body = with("filename", "x".repeat(size)).to_string();
        let answer = alice
            .send_raw(Method::POST, "/v1/assets", &JSON, body.into())
            .await;
        answer.expect_problem(413, "body_too_large");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filenames_are_kept_byte_for_byte() {
    let stack = shared_stack();
    let alice = user(&stack, "names");
    let names = [
        "../../etc/passwd",
        "C:\\Users\\me\\photo.jpg",
        "👩‍🚀🧜🏽.jpg",
        "\u{202e}gpj.exe",
        "a\u{301}\u{e1} \u{feff}\u{200b}.jpg",
        " . ",
        "\"quotes' and \\ back\tslashes\r\n",
        "<img src=x onerror=alert(1)>",
        "'; DROP TABLE assets; --",
        "null",
        &"é".repeat(512),
    ];
    for name in names {
        let created = alice.create(name, "image/jpeg", 100).await;
        let asset = alice.asset(&created.asset_id).await.expect(200);
        assert_eq!(asset["filename"], name);
    }
    let metadata = json!({"__proto__": {"x": 1}, "deep": [[[{"": null}]]], "n": 1.0e-7, "big": 9_007_199_254_740_993_u64});
    let created = alice.create_with(&with("metadata", metadata.clone())).await;
    let asset = alice.asset(&created.asset_id).await.expect(200);
    assert_eq!(asset["metadata"], metadata);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_methods_and_paths_are_rejected() {
    let stack = shared_stack();
    let alice = user(&stack, "methods");
    for op in Op::ALL {
        let path = op
            .path()
            .replace("{asset_id}", "ast_00000000000000000000000000")
            .replace("{job_id}", "job_00000000000000000000000000")
            .replace("{*key}", "x")
            .replace("{token}", "x")
            .replace("{*file}", "x");
        for method in [
            Method::PUT,
            Method::PATCH,
            Method::from_bytes(b"PURGE").unwrap(),
        ] {
            let answer = alice.send(method, &path, None).await;
            answer.expect_problem(405, "method_not_allowed");
            let allow: Vec<&str> = answer.header("allow").split(", ").collect();
            assert!(allow.contains(&op.method().as_str()), "{path}: {allow:?}");
        }
    }
    let long = format!("/v1/assets/{}", "x".repeat(4_000));
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/assets/",
        "/v2/assets",
        "/v1/assets/x/y",
        "/V1/ASSETS",
        "//v1/assets",
        "/v1/assets/%00",
        "/v1/assets/%ff",
        "/.env",
        "/media",
        "/media/",
        "/media/x",
        "/media/../v1/assets/x",
        &long,
    ] {
        alice.get(path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_queries_are_rejected() {
    let stack = shared_stack();
    let alice = user(&stack, "queries");
    for (path, code) in [
        ("/v1/assets?limit=0", "query_invalid"),
        ("/v1/assets?limit=201", "query_invalid"),
        ("/v1/assets?limit=-1", "query_invalid"),
        ("/v1/assets?limit=ten", "query_invalid"),
        ("/v1/assets?limit=99999999999999999999", "query_invalid"),
        ("/v1/assets?kind=photo", "query_invalid"),
        ("/v1/assets?state=done", "query_invalid"),
        ("/v1/jobs?state=done", "query_invalid"),
        ("/v1/jobs?asset_id=x", "query_invalid"),
        ("/v1/assets?cursor=x", "cursor_invalid"),
        (
            "/v1/assets?cursor=job_00000000000000000000000000",
            "cursor_invalid",
        ),
        ("/v1/jobs?cursor=%00", "cursor_invalid"),
        ("/v1/events?types=everything", "query_invalid"),
        ("/v1/events?asset=x", "query_invalid"),
        ("/v1/events?job=x", "query_invalid"),
    ] {
        let answer = alice.get(path).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (400, &code.into()),
            "{path}"
        );
    }
}
