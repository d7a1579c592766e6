//! Queries are as strict as bodies, except those of files and probes: an `EventSource`, a player or a monitor gets what it asked for, or
//! hears what it may ask for.

use tests::shared;

const ASSET: &str = "ast_00000000000000000000000000";
const JOB: &str = "job_00000000000000000000000000";

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_not_in_the_contract_is_rejected() {
    let stack = shared();
    let alice = stack.caller("queries", "alice", "user");
    let _ = alice.create("a.png", "image/png", 10).await;
    let unknown = r#""assetid" is not a known query parameter; known: state, asset_id, cursor, limit, on_behalf_of."#;
    let kind = "kind must be one of: image, video, audio, document, package.";
    let table = [
        ("/v1/jobs?assetid=x".to_owned(), unknown.to_owned()),
        ("/v1/assets?kind=photo".to_owned(), kind.to_owned()),
        (
            "/v1/assets?kind=".to_owned(),
            format!("kind is empty: omit it, or give a value. {kind}"),
        ),
        (
            "/v1/assets?limit=&cursor=&state=".to_owned(),
            "limit is empty: omit it, or give a value. limit must be an integer from 1 to 200."
                .to_owned(),
        ),
        (
            "/v1/assets?kind=image&kind=image".to_owned(),
            "kind must be given once.".to_owned(),
        ),
        (
            "/v1/assets?owner_id=%FF".to_owned(),
            "owner_id must be UTF-8.".to_owned(),
        ),
        (
            "/v1/limits?x=1".to_owned(),
            r#""x" is not a known query parameter; known: on_behalf_of."#.to_owned(),
        ),
        (
            "/v1/events?type=reset".to_owned(),
            r#""type" is not a known query parameter; known: asset, job, types, ticket, last_event_id, on_behalf_of."#.to_owned(),
        ),
    ];
    for (path, detail) in table {
        let answer = alice.get(&path).await;
        answer.expect_problem(400, "query_invalid");
        assert_eq!(answer.json()["detail"], detail, "{path}");
    }
    // The same for operations that read nothing else: the query is checked before the path is looked up.
    for path in [
        format!("/v1/assets/{ASSET}?x"),
        format!("/v1/assets/{ASSET}/playback?x"),
        format!("/v1/assets/{ASSET}/original?x"),
        format!("/v1/jobs/{JOB}?x"),
    ] {
        let answer = alice.get(&path).await;
        answer.expect_problem(400, "query_invalid");
        let answer = alice.head(&path).await;
        assert_eq!(answer.status, 400, "{path}");
    }
    let cancel = format!("/v1/jobs/{JOB}/cancel?x");
    let answer = alice.post(&cancel, &serde_json::json!({})).await;
    answer.expect_problem(400, "query_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_learns_nothing_by_a_query() {
    let stack = shared();
    let nobody = stack.caller("queries", "alice", "user").without_token();
    let answer = nobody.get("/v1/assets?x=1").await;
    answer.expect_problem(401, "token_missing");
    let worker = stack.caller("queries", "w", "worker");
    let answer = worker.get("/v1/assets?x=1").await;
    answer.expect_problem(403, "role_forbidden");
    let admin = stack.caller("queries", "boss", "admin");
    let answer = admin.get("/v1/admin/backlog?x=1").await;
    answer.expect_problem(400, "query_invalid");
    assert_eq!(
        answer.json()["detail"],
        r#""x" is not a known query parameter; this operation has none."#
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_probes_accept_any_query() {
    let stack = shared();
    let alice = stack.caller("queries", "files", "user");
    let mut events = alice.events("", None).await;
    let photo = crate::images::made(20, 10, image::ImageFormat::Png);
    let created = photo.upload(&alice).await;
    let complete = events
        .next_of("processing_complete", &created.asset_id)
        .await;
    let url = complete.data["result"]["outputs"][0]["url"]
        .as_str()
        .unwrap();
    for query in ["?x=1", "?limit=", "?_HLS_msn=3&_HLS_msn=3"] {
        assert_eq!(alice.fetch(&format!("{url}{query}")).await.status, 200);
    }
    for path in ["/healthz", "/readyz", "/version"] {
        let answer = alice.get(&format!("{path}?x=1&x=2")).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}
