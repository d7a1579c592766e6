//! Isolation of tenants and users: no answer distinguishes "not yours" from "does not exist".

use std::collections::BTreeMap;

use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use shared::api::{Access, Op};
use tests::{Answer, Client, Created, Events, shared as shared_stack};

use crate::images::made;

/// What the path of an operation refers to.
enum Names {
    Asset,
    Job,
    Nothing,
}

/// Exhaustive: a new operation must state how a stranger could misuse it.
const fn names(op: Op) -> Names {
    match op {
        Op::GetAsset
        | Op::DeleteAsset
        | Op::CompleteAsset
        | Op::RenewUpload
        | Op::GetOriginal
        | Op::GetPlayback => Names::Asset,
        Op::GetJob | Op::CancelJob | Op::RedriveJob => Names::Job,
        // Lists, the stream and files have tests of their own.
        Op::CreateAsset
        | Op::ListAssets
        | Op::GetLimits
        | Op::ListJobs
        | Op::StreamEvents
        | Op::CreateTicket
        // Operations of workers and admins are closed to every other role: see `roles`.
        | Op::RegisterWorker
        | Op::PullMessages
        | Op::AckMessages
        | Op::ClaimJob
        | Op::HeartbeatJob
        | Op::FinishJob
        | Op::FailJob
        | Op::ReleaseJob
        | Op::ListWorkers
        | Op::DrainWorker
        | Op::GetBacklog
        | Op::GetMedia
        | Op::GetStream
        | Op::Healthz
        | Op::Readyz
        | Op::Version => Names::Nothing,
    }
}

/// An answer without its request id and date, which always differ.
fn essence(answer: &Answer) -> (u16, BTreeMap<String, String>, String) {
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), format!("{value:?}")))
        .collect();
    let request_id = answer.header("x-request-id");
    let body = answer.text();
    let body = if request_id.is_empty() {
        body
    } else {
        body.replace(request_id, "req")
    };
    (answer.status, headers, body)
}

async fn call(client: &Client, op: Op, method: &Method, id: &str) -> Answer {
    let path = op.path().replace("{asset_id}", id).replace("{job_id}", id);
    client.send(method.clone(), &path, None).await
}

/// Calls `op` as each stranger with the ids in `owned`; every answer must equal that for an id that never existed.
async fn check_op(op: Op, owned: &[&str], malformed: &[&str], strangers: &[Client]) {
    let mut methods = vec![Method::from_bytes(op.method().as_str().as_bytes()).unwrap()];
    if methods[0] == Method::GET {
        methods.push(Method::HEAD);
    }
    for method in methods {
        let never = format!("{}0000000000", owned[0].split_at(owned[0].len() - 10).0);
        let expected = call(&strangers[0], op, &method, &never).await;
        if method != Method::HEAD {
            expected.expect_problem(404, "not_found");
        }
        for stranger in strangers {
            for id in owned.iter().chain(malformed) {
                let answer = call(stranger, op, &method, id).await;
                assert_eq!(
                    essence(&answer),
                    essence(&expected),
                    "{method} {} with {id}",
                    op.name()
                );
            }
        }
    }
}

async fn upload(client: &Client, visibility: &str) -> Created {
    let document =
        json!({"filename": "mine.png", "content_type": "image/png", "visibility": visibility});
    client
        .upload_with(&document, made(40, 30, ImageFormat::Png).bytes)
        .await
}

async fn watch(client: &Client) -> Events {
    let mut events = client.events("", None).await;
    events.first("snapshot").await;
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_of_others_are_not_found() {
    let stack = shared_stack();
    let alice = stack.caller("isolation-1", "alice", "user");
    let strangers = [
        stack.caller("isolation-1", "bob", "user"),
        stack.caller("isolation-2", "alice", "user"),
        stack.caller("isolation-2", "boss", "admin"),
        stack.caller("isolation-1", "back-end", "service"),
    ];
    let mut watched = Vec::new();
    for stranger in &strangers {
        watched.push(watch(stranger).await);
    }
    let mut events = watch(&alice).await;
    let waiting = alice.create("later.png", "image/png", 100).await;
    let done = upload(&alice, "private").await;
    events.next_of("processing_complete", &done.asset_id).await;

    for op in Op::ALL {
        match names(*op) {
            Names::Asset => {
                let owned = [done.asset_id.as_str(), &waiting.asset_id];
                let lower = done.asset_id.to_lowercase();
                let malformed = ["ast_", "nothing", &lower, &done.job_id, "%00", "ast_%2e%2e"];
                let private = op.access() != Access::Mixed;
                let owned = if private { &owned[..] } else { &owned[..1] };
                check_op(*op, owned, &malformed, &strangers).await;
            }
            Names::Job => {
                let malformed = ["job_", "nothing", &done.asset_id];
                check_op(
                    *op,
                    &[&done.job_id, &waiting.job_id],
                    &malformed,
                    &strangers,
                )
                .await;
            }
            Names::Nothing => {}
        }
    }
    // None of these calls changed anything.
    assert_eq!(
        alice.asset(&done.asset_id).await.expect(200)["state"],
        "ready"
    );
    assert_eq!(
        alice.asset(&waiting.asset_id).await.expect(200)["state"],
        "awaiting_upload"
    );

    check_lists(&strangers, &done).await;
    // A stranger's stream contains that stranger's events alone.
    for (stranger, events) in strangers.iter().zip(&mut watched) {
        let own = stranger.create("own.png", "image/png", 100).await;
        events.next_of("upload_started", &own.asset_id).await;
        assert_eq!(events.seen().len(), 2, "{:?}", events.seen());
    }
}

async fn check_lists(strangers: &[Client], done: &Created) {
    for stranger in strangers {
        for path in [
            "/v1/assets".to_owned(),
            "/v1/assets?owner_type=user&owner_id=alice".to_owned(),
            "/v1/jobs".to_owned(),
            format!("/v1/jobs?asset_id={}", done.asset_id),
            format!(
                "/v1/assets?cursor={}",
                done.asset_id.replace("ast_0", "ast_1")
            ),
        ] {
            let list = stranger.get(&path).await.expect(200);
            assert_eq!(list["items"], json!([]), "{path}");
            assert_eq!(list["next_cursor"], Value::Null);
        }
        let filtered = format!("?asset={}&job={}", done.asset_id, done.job_id);
        let mut events = stranger.events(&filtered, None).await;
        let snapshot = events.first("snapshot").await;
        assert_eq!(snapshot.data["assets"], json!([]));
        assert_eq!(snapshot.data["jobs"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn private_outputs_need_their_path_token() {
    let stack = shared_stack();
    let alice = stack.caller("isolation-3", "alice", "user");
    let nobody = alice.without_token();
    let mut events = watch(&alice).await;
    let (one, two, public) = (
        upload(&alice, "private").await,
        upload(&alice, "private").await,
        upload(&alice, "public").await,
    );
    events
        .all_of(
            &["processing_complete"],
            &[&one.asset_id, &two.asset_id, &public.asset_id],
        )
        .await;
    let url = async |created: &Created| {
        let asset = alice.asset(&created.asset_id).await.expect(200);
        asset["outputs"][0]["url"].as_str().unwrap().to_owned()
    };
    let (one_url, two_url, public_url) = (url(&one).await, url(&two).await, url(&public).await);

    assert_eq!(nobody.fetch(&one_url).await.status, 200);
    assert_eq!(nobody.fetch(&public_url).await.status, 200);
    // ORIGIN/stream/TOKEN/ATTEMPT/FILE
    let parts = |url: &str| -> (String, String) {
        let rest = url.split_once("/stream/").unwrap().1;
        let (token, file) = rest.split_once('/').unwrap();
        (token.to_owned(), file.to_owned())
    };
    let ((one_token, one_file), (two_token, _)) = (parts(&one_url), parts(&two_url));
    let (signed, signature) = one_token.rsplit_once('.').unwrap();
    let expiry = signed.rsplit_once('.').unwrap().1;
    let later = expiry.parse::<u64>().unwrap() + 3_600;
    let key = format!("m/{}/{one_file}", one.asset_id);
    for path in [
        format!("/media/{key}"),
        format!("/media/originals/{}", one.asset_id),
        format!(
            "/media/{}",
            public_url
                .split_once("/media/")
                .unwrap()
                .1
                .replace(&public.asset_id, &one.asset_id)
        ),
        format!("/stream/{two_token}/{one_file}"),
        format!("/stream/{one_token}/../{}/{one_file}", two.asset_id),
        format!("/stream/{one_token}/{}", one_file.replace('/', "%2f")),
        format!("/stream/{one_token}x/{one_file}"),
        format!("/stream/{signed}.{}/{one_file}", signature.to_uppercase()),
        format!("/stream/{signed}./{one_file}"),
        format!("/stream/{}.{later}.{signature}/{one_file}", one.asset_id),
        format!("/stream/{}.{expiry}.{signature}/{one_file}", two.asset_id),
        format!("/stream/x/{one_file}"),
        format!("/stream/{one_token}/"),
    ] {
        let answer = nobody.get(&path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn playback_is_public_only_for_public_assets() {
    let stack = shared_stack();
    let alice = stack.caller("isolation-4", "alice", "user");
    let others = [
        alice.without_token(),
        stack.caller("isolation-4", "bob", "user"),
        stack.caller("isolation-5", "alice", "user"),
    ];
    let mut events = watch(&alice).await;
    let (private, public) = (
        upload(&alice, "private").await,
        upload(&alice, "public").await,
    );
    events
        .all_of(
            &["processing_complete"],
            &[&private.asset_id, &public.asset_id],
        )
        .await;
    let path = |created: &Created| format!("/v1/assets/{}/playback", created.asset_id);
    for other in &others {
        other
            .get(&path(&private))
            .await
            .expect_problem(404, "not_found");
        let playback = other.get(&path(&public)).await.expect(200);
        assert_eq!(playback["outputs"].as_array().unwrap().len(), 4);
        // Nothing about the owner.
        for field in ["filename", "metadata", "owner"] {
            assert_eq!(playback[field], Value::Null, "{playback}");
        }
        assert_eq!(playback["original_url"], Value::Null);
    }
    let _ = alice.get(&path(&private)).await.expect(200);
    // Whoever sent no token gets the same advice for what is not public as for what is not there.
    let nobody = alice.without_token();
    let original = |id: &str| format!("/v1/assets/{id}/original");
    for path in [
        path(&private),
        original(&private.asset_id),
        original(&public.asset_id),
        original("ast_00000000000000000000000000"),
        original("nothing"),
    ] {
        let answer = nobody.get(&path).await;
        answer.expect_problem(404, "not_found");
        assert_eq!(
            answer.json()["detail"],
            "Not found, or not public. Check the id. If it belongs to you, send your token in the header Authorization.",
            "{path}"
        );
    }
}
