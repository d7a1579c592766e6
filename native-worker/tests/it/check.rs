//! `--check`: the program against a real bucket and an edge that answers as a test wants.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use shared::problem::{ErrorCode, Problem};

use crate::bucket::Bucket;
use crate::program::program;
use crate::sample::{JOB, REQUIRED_SETTINGS, TOKEN, registered, serve};

/// An edge with one answer for each verb. It records all calls.
struct Edge {
    answers: BTreeMap<&'static str, (u16, Value)>,
    calls: Mutex<Vec<(String, Value)>>,
}

impl Edge {
    async fn start(answers: &[(&'static str, u16, Value)]) -> (SocketAddr, Arc<Self>) {
        let answers = answers
            .iter()
            .map(|(verb, status, answer)| (*verb, (*status, answer.clone())));
        let edge = Arc::new(Self {
            answers: answers.collect(),
            calls: Mutex::default(),
        });
        let router = Router::new().route("/v1/{*path}", post(call));
        (serve(router.with_state(edge.clone())).await, edge)
    }

    /// The bodies of the calls of a verb.
    fn bodies(&self, verb: &str) -> Vec<Value> {
        let calls = self.calls.lock().unwrap();
        let of_verb = calls.iter().filter(|(called, _)| called == verb);
        of_verb.map(|(_, body)| body.clone()).collect()
    }
}

async fn call(
    State(edge): State<Arc<Edge>>,
    Path(path): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let verb = path.rsplit('/').next().unwrap().to_owned();
    edge.calls
        .lock()
        .unwrap()
        .push((verb.clone(), body.clone()));
    let (status, answer) = match edge.answers.get(verb.as_str()) {
        Some(answer) => answer.clone(),
        None if verb == "workers" => (200, registered(&body)),
        None => (200, json!({"success": true, "result": {"messages": []}})),
    };
    (StatusCode::from_u16(status).unwrap(), Json(answer)).into_response()
}

fn problem(code: ErrorCode) -> (u16, Value) {
    let problem = Problem::new(code, "No.", "req");
    (code.status(), serde_json::to_value(problem).unwrap())
}

/// Runs `--check`. Returns its exit code, and its lines by what they test.
async fn check(
    edge: SocketAddr,
    settings: &[(&str, &str)],
) -> (Option<i32>, BTreeMap<String, String>) {
    let bucket = Bucket::start().await;
    let scratch = tempfile::tempdir().unwrap();
    let mut program = program();
    program
        .arg("--check")
        .envs(REQUIRED_SETTINGS)
        .env(
            "NATIVE_WORKER_QUEUE_URL",
            format!("http://{edge}/v1/queues/media-jobs"),
        )
        .env(
            "NATIVE_WORKER_S3_ENDPOINT",
            format!("http://{}", bucket.addr),
        )
        .env("NATIVE_WORKER_SCRATCH", scratch.path())
        .envs(settings.iter().copied());
    let output = tokio::task::spawn_blocking(move || program.output().unwrap());
    let Output { status, stdout, .. } = output.await.unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    assert!(
        !stdout.contains(TOKEN) && !stdout.contains("s3-secret"),
        "{stdout}"
    );
    let lines = stdout.lines().map(|line| {
        let what = line.split_at(8).1.split(':').next().unwrap();
        (what.to_owned(), line.to_owned())
    });
    (status.code(), lines.collect())
}

const TESTS: [&str; 7] = [
    "buckets", "edge", "ffmpeg", "memory", "queue", "sandbox", "scratch",
];

#[tokio::test]
async fn everything_works() {
    let (addr, edge) = Edge::start(&[]).await;
    let (code, lines) = check(addr, &[]).await;
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(lines.keys().eq(TESTS), "{lines:?}");
    assert!(lines.values().all(|line| line.starts_with("ok      ")));
    assert_eq!(lines["edge"], "ok      edge: registered as worker-1");
    assert_eq!(
        lines["queue"],
        "ok      queue: pulled, and no job is waiting"
    );
    let pulls = edge.bodies("pull");
    assert_eq!((pulls.len(), &pulls[0]["wait_ms"]), (1, &json!(0)));
    assert!(edge.bodies("ack").is_empty());
}

#[tokio::test]
async fn a_wrong_queue_is_named_with_the_reason() {
    let (status, not_found) = problem(ErrorCode::NotFound);
    let (addr, _) = Edge::start(&[("pull", status, not_found)]).await;
    let queue = format!("http://{addr}/v1/queues/other");
    let (code, lines) = check(addr, &[("NATIVE_WORKER_QUEUE_URL", &queue)]).await;
    assert_eq!(code, Some(1));
    assert_eq!(lines["edge"], "ok      edge: registered as worker-1");
    let expected =
        format!("FAILED  queue: {queue}/messages/pull refused the call (404 not_found: No.)");
    assert_eq!(lines["queue"], expected);
}

#[tokio::test]
async fn a_pulled_hint_is_given_back() {
    let hint = json!({"lease_id": "hint", "body": format!(r#"{{"v":1,"job_id":"{JOB}"}}"#)});
    let pulled = json!({"success": true, "result": {"messages": [hint]}});
    let (addr, edge) = Edge::start(&[("pull", 200, pulled)]).await;
    let (code, lines) = check(addr, &[]).await;
    assert_eq!(code, Some(0), "{lines:?}");
    let expected = "ok      queue: pulled the hint of a job, and gave it back";
    assert_eq!(lines["queue"], expected);
    assert_eq!(
        edge.bodies("ack"),
        [json!({"retries": [{"lease_id": "hint"}]})]
    );
    assert!(edge.bodies("claim").is_empty());
}

#[tokio::test]
async fn a_token_that_the_edge_refuses() {
    let (status, invalid) = problem(ErrorCode::TokenInvalid);
    let answers = [
        ("pull", status, invalid.clone()),
        ("workers", status, invalid),
    ];
    let (addr, _) = Edge::start(&answers).await;
    let (code, lines) = check(addr, &[]).await;
    assert_eq!(code, Some(1));
    for what in ["edge", "queue"] {
        let end = "refused the call (401 token_invalid: No.)";
        assert!(lines[what].starts_with("FAILED"), "{lines:?}");
        assert!(lines[what].ends_with(end), "{lines:?}");
    }
}

#[tokio::test]
async fn everything_that_does_not_work_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let settings = [
        ("NATIVE_WORKER_FFPROBE", "/nowhere/ffprobe"),
        ("NATIVE_WORKER_S3_ACCESS_KEY_ID", "somebody"),
        ("NATIVE_WORKER_SCRATCH", "/dev/null/scratch"),
        ("NATIVE_WORKER_MEMORY_FREE_MIN_BYTES", "1000000000000000"),
    ];
    let (code, lines) = check(closed, &settings).await;
    assert_eq!(code, Some(1));
    assert!(lines.keys().eq(TESTS), "{lines:?}");
    let refused = "cannot be reached: no connection: Connection refused (os error 111)";
    for (what, expected) in [
        ("scratch", "NATIVE_WORKER_SCRATCH=/dev/null/scratch: Not a directory (os error 20)".to_owned()),
        ("memory", "NATIVE_WORKER_MEMORY_FREE_MIN_BYTES: ".to_owned()),
        ("ffmpeg", "NATIVE_WORKER_FFPROBE=/nowhere/ffprobe does not run: No such file or directory (os error 2)".to_owned()),
        ("sandbox", "NATIVE_WORKER_FFPROBE=/nowhere/ffprobe does not run in its sandbox: ".to_owned()),
        ("buckets", "bucket ferrotype-raw at http://".to_owned()),
        ("edge", format!("http://{closed}/v1/workers {refused}")),
        ("queue", format!("http://{closed}/v1/queues/media-jobs/messages/pull {refused}")),
    ] {
        let expected = format!("FAILED  {what}: {expected}");
        assert!(lines[what].starts_with(&expected), "{lines:#?}");
    }
    let denied = lines["buckets"].matches(": cannot write an object: access denied");
    assert_eq!(denied.count(), 2, "{lines:?}");
    let public = "; bucket ferrotype-public at http://";
    assert!(lines["buckets"].contains(public), "{lines:?}");
}

#[tokio::test]
async fn a_program_that_does_not_run_in_the_sandbox() {
    let tools = tempfile::tempdir().unwrap();
    let path = tools.path().join("ffmpeg");
    // In the sandbox it may execute itself, but not read the file beside it.
    std::fs::write(tools.path().join("license"), "").unwrap();
    let script = "#!/bin/sh\ncat \"${0%/*}/license\" || exit 3\nexec ffmpeg \"$@\"\n";
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (addr, _) = Edge::start(&[]).await;
    let path = path.to_str().unwrap();
    let (code, lines) = check(addr, &[("NATIVE_WORKER_FFMPEG", path)]).await;
    assert_eq!(code, Some(1));
    assert!(lines["ffmpeg"].starts_with("ok"), "{lines:?}");
    let expected = format!(
        "FAILED  sandbox: NATIVE_WORKER_FFMPEG={path} does not run in its sandbox: exit status: 3: "
    );
    assert!(lines["sandbox"].starts_with(&expected), "{lines:?}");
    assert!(lines["sandbox"].ends_with("Permission denied"), "{lines:?}");
}
