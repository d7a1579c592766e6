//! The announced limits are those that uploads meet.

use serde_json::{Value, json};
use tests::{Client, Options, Stack, shared};

fn document(content_type: &str, size_bytes: &Value) -> Value {
    json!({"filename": "a", "content_type": content_type, "size_bytes": size_bytes})
}

/// Creates an asset of each announced type at its limit, and fails one byte above.
async fn check(client: &Client) {
    let limits = client.get("/v1/limits").await.expect(200);
    for (kind, limit) in limits["kinds"].as_object().unwrap() {
        let max = limit["max_bytes"].as_u64().unwrap();
        let types = limit["types"].as_array().unwrap();
        assert_eq!(types.is_empty(), max == 0, "{kind}");
        for content_type in types {
            let content_type = content_type.as_str().unwrap();
            let fits = client
                .create_with(&document(content_type, &max.into()))
                .await;
            let asset = client.asset(&fits.asset_id).await.expect(200);
            assert_eq!(asset["kind"], **kind);
            assert_eq!(asset["content_type"], content_type);
            let above = document(content_type, &(max + 1).into());
            let answer = client.post("/v1/assets", &above).await;
            answer.expect_problem(400, "file_too_large");
            assert_eq!(
                answer.json()["detail"],
                format!(
                    "size_bytes is {}; the limit for files of kind {kind} is {max} bytes.",
                    max + 1
                )
            );
        }
    }
    let longest =
        "x".repeat(usize::try_from(limits["filename_max_bytes"].as_u64().unwrap()).unwrap());
    let mut body = document("image/png", &1.into());
    body["filename"] = longest.clone().into();
    let _ = client.create_with(&body).await;
    body["filename"] = format!("{longest}x").into();
    let answer = client.post("/v1/assets", &body).await;
    answer.expect_problem(400, "filename_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_with_uploads_reads_its_limits() {
    let stack = shared();
    for role in ["user", "service", "admin"] {
        let client = stack.caller("limits", "alice", role);
        let limits = client.get("/v1/limits").await.expect(200);
        assert_eq!(limits["kinds"]["image"]["max_bytes"], 500_000_000);
        assert_eq!(
            limits["kinds"]["document"],
            json!({"types": [], "max_bytes": 0})
        );
        assert_eq!(limits["multipart_threshold_bytes"], Value::Null);
        assert_eq!(limits["part_size_bytes"], Value::Null);
        assert_eq!(limits["batch_max"], 1);
        assert_eq!(limits["metadata_max_bytes"], 8_192);
    }
    let worker = stack.caller("limits", "w", "worker");
    let answer = worker.get("/v1/limits").await;
    answer.expect_problem(403, "role_forbidden");
    let nobody = worker.without_token();
    let answer = nobody.get("/v1/limits").await;
    answer.expect_problem(401, "token_missing");
    check(&stack.caller("limits", "bob", "user")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_follow_the_settings() {
    let sizes = r#"{"*": {"image": 2000, "video": 5363466240}, "small": {"image": 1000}}"#;
    let options = Options::new().var("SIZE_LIMITS", sizes);
    let stack = Stack::start(options);
    for (tenant, image) in [("small", 1_000), ("other", 2_000)] {
        let client = stack.caller(tenant, "alice", "user");
        let limits = client.get("/v1/limits").await.expect(200);
        let max = |kind: &str| limits["kinds"][kind]["max_bytes"].as_u64();
        assert_eq!(max("image"), Some(image));
        assert_eq!(max("video"), Some(5_363_466_240));
        assert_eq!(max("audio"), Some(500_000_000));
        check(&client).await;
    }
}
