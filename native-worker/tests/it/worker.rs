//! The whole worker in process: a real bucket, real images, and an edge with one job.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use native_worker::Error;
use serde_json::{Value, json};
use shared::image::ImagePlan;
use shared::problem::{ErrorCode, Problem};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bucket::{Bucket, Fault};
use crate::http::ask;
use crate::sample::{JOB, PREFIX, claimed, config, registered, serve, source};

const MINUTE: Duration = Duration::from_mins(1);
const ORIGINAL: &str = "originals/ast_01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// An edge that has one hint, and a script of answers.
struct Edge {
    /// Answers by verb: status and document. Without one, the edge answers with the job or with `null`.
    answers: Mutex<BTreeMap<&'static str, Vec<(u16, Value)>>>,
    job: Value,
    hints: Mutex<Vec<Value>>,
    /// Every received call, except pulls without a scripted answer.
    calls: mpsc::UnboundedSender<(String, Value)>,
}

type Calls = mpsc::UnboundedReceiver<(String, Value)>;

async fn call(
    State(edge): State<Arc<Edge>>,
    Path(path): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let verb = path.rsplit('/').next().unwrap().to_owned();
    let scripted = {
        let mut answers = edge.answers.lock().unwrap();
        answers.get_mut(verb.as_str()).and_then(Vec::pop)
    };
    if verb == "pull" && scripted.is_none() {
        let hint = edge.hints.lock().unwrap().pop();
        let Some(hint) = hint else {
            // The pull stays open, as at a real edge.
            return std::future::pending().await;
        };
        let answer = json!({"success": true, "result": {"messages": [hint]}});
        return Json(answer).into_response();
    }
    let _ = edge.calls.send((verb.clone(), body.clone()));
    let (status, answer) = scripted.unwrap_or_else(|| match verb.as_str() {
        "claim" => (200, edge.job.clone()),
        "heartbeat" => (
            200,
            json!({"lease_until": "2026-11-25T00:00:30Z", "cancel": false, "drain": false}),
        ),
        "workers" => (200, registered(&body)),
        _ => (200, Value::Null),
    });
    (StatusCode::from_u16(status).unwrap(), Json(answer)).into_response()
}

/// A worker with an edge and a bucket.
struct Setup {
    bucket: Bucket,
    edge: Arc<Edge>,
    calls: Calls,
    ops: SocketAddr,
    signals: mpsc::Sender<()>,
    end: JoinHandle<Result<(), Error>>,
    scratch: TempDir,
}

impl Setup {
    /// Starts all of them. `answers` are the first answers of the edge to verbs; the last one of each verb comes first.
    async fn start(original: &[u8], answers: &[(&'static str, u16, Value)]) -> Self {
        let bucket = Bucket::start().await;
        bucket.write("ferrotype-raw", ORIGINAL, original);
        Self::with(bucket, original.len(), answers, "60000").await
    }

    async fn with(
        bucket: Bucket,
        size: usize,
        answers: &[(&'static str, u16, Value)],
        drain_ms: &str,
    ) -> Self {
        let launcher = env!("CARGO_BIN_EXE_native-worker").into();
        Self::launching(launcher, bucket, size, answers, drain_ms).await
    }

    async fn launching(
        launcher: PathBuf,
        bucket: Bucket,
        size: usize,
        answers: &[(&'static str, u16, Value)],
        drain_ms: &str,
    ) -> Self {
        let plan = ImagePlan::standard(100_000_000, 1);
        let work = json!({"kind": "image", "plan": plan});
        let (sender, calls) = mpsc::unbounded_channel();
        let hint = json!({"lease_id": "hint", "body": format!(r#"{{"v":1,"job_id":"{JOB}"}}"#)});
        let edge = Arc::new(Edge {
            answers: Mutex::default(),
            job: serde_json::to_value(claimed(&work, 3_000, &source(size, None))).unwrap(),
            hints: Mutex::new(vec![hint]),
            calls: sender,
        });
        for (verb, status, answer) in answers {
            let mut answers = edge.answers.lock().unwrap();
            answers
                .entry(verb)
                .or_default()
                .push((*status, answer.clone()));
        }
        let router = Router::new().route("/v1/{*path}", post(call));
        let addr = serve(router.with_state(edge.clone())).await;
        let scratch = tempfile::tempdir().unwrap();
        let mut config = config(&[
            (
                "NATIVE_WORKER_QUEUE_URL",
                &format!("http://{addr}/v1/queues/media-jobs"),
            ),
            (
                "NATIVE_WORKER_S3_ENDPOINT",
                &format!("http://{}", bucket.addr),
            ),
            ("NATIVE_WORKER_SCRATCH", scratch.path().to_str().unwrap()),
            ("NATIVE_WORKER_DRAIN_MS", drain_ms),
            ("NATIVE_WORKER_SLOTS", "1"),
        ]);
        config.launcher = launcher;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ops = listener.local_addr().unwrap();
        let (signals, received) = mpsc::channel(2);
        let end = tokio::spawn(native_worker::run(config, listener, received));
        Self {
            bucket,
            edge,
            calls,
            ops,
            signals,
            end,
            scratch,
        }
    }

    /// The next call of `verb`.
    async fn next(&mut self, verb: &str) -> Value {
        let next = async {
            loop {
                let (called, body) = self.calls.recv().await.unwrap();
                if called == verb {
                    return body;
                }
            }
        };
        timeout(MINUTE, next).await.unwrap()
    }

    /// Ends the worker, whose last call reports that it has stopped. Returns the verbs of the other remaining calls.
    async fn ended(mut self) -> Vec<String> {
        // It may have ended already.
        let _ = self.signals.send(()).await;
        timeout(MINUTE, self.end).await.unwrap().unwrap().unwrap();
        let left_over = std::fs::read_dir(self.scratch.path()).unwrap().count();
        assert_eq!(left_over, 0, "scratch folders are left over");
        let mut calls = Vec::new();
        while let Ok(call) = self.calls.try_recv() {
            calls.push(call);
        }
        let (last, registration) = calls.last().unwrap();
        assert_eq!(last, "workers");
        let seen = (&registration["state"], &registration["stopped"]);
        assert_eq!(seen, (&json!("draining"), &json!(true)));
        let verbs = calls.into_iter().map(|(verb, _)| verb);
        verbs.filter(|verb| verb != "workers").collect()
    }
}

/// A small GIF of one colour, 64 × 48 pixels.
fn image() -> Vec<u8> {
    let mut gif = b"GIF89a\x40\x00\x30\x00\x80\x00\x00\xff\x00\x00\x00\x00\x00".to_vec();
    gif.extend(b"\x2c\x00\x00\x00\x00\x40\x00\x30\x00\x00\x02");
    // LZW with code size 2 and a clear code before each pixel, so that codes stay 3 bits wide.
    let mut bits = Vec::new();
    for _ in 0..64 * 48 {
        bits.extend([4_u8, 0]);
    }
    bits.push(5);
    let (mut data, mut buffer, mut count) = (Vec::new(), 0_u32, 0);
    for code in bits {
        buffer |= u32::from(code) << count;
        count += 3;
        while count >= 8 {
            data.push(u8::try_from(buffer & 255).unwrap());
            buffer >>= 8;
            count -= 8;
        }
    }
    data.push(u8::try_from(buffer & 255).unwrap());
    for block in data.chunks(255) {
        gif.push(u8::try_from(block.len()).unwrap());
        gif.extend(block);
    }
    gif.extend(b"\x00\x3b");
    gif
}

fn problem(code: ErrorCode) -> Value {
    serde_json::to_value(Problem::new(code, "No.", "req")).unwrap()
}

#[tokio::test]
async fn an_image_from_hint_to_finish() {
    let mut setup = Setup::start(&image(), &[]).await;
    let registration = setup.next("workers").await;
    assert_eq!(
        (&registration["slots"], &registration["state"]),
        (&json!(1), &json!("active"))
    );
    let encoders = registration["encoders"].to_string();
    assert!(
        encoders.contains("libx264") && encoders.contains("aac"),
        "{encoders}"
    );
    setup.next("claim").await;
    let acks = setup.next("ack").await;
    assert_eq!(acks, json!({"acks": [{"lease_id": "hint"}]}));
    let finish = setup.next("finish").await;
    assert_eq!(
        (&finish["attempt"], &finish["lease_token"]),
        (&json!(1), &json!("lease"))
    );
    let made = &finish["made"];
    assert_eq!((&made["width"], &made["height"]), (&json!(64), &json!(48)));
    assert!(made["placeholder"].is_string());
    let outputs = made["outputs"].as_array().unwrap();
    assert_eq!(outputs.len(), 4);
    for output in outputs {
        let name = output["name"].as_str().unwrap();
        assert_eq!(output["file"], format!("{name}.webp"));
        let key = format!("{PREFIX}{name}.webp");
        let stored = setup.bucket.read("ferrotype-public", &key).unwrap();
        assert!(stored.starts_with(b"RIFF"));
        assert_eq!(output["size_bytes"], stored.len());
    }
    assert_eq!(ask(setup.ops, "GET", "/readyz").await.0, 200);
    let (_, metrics) = ask(setup.ops, "GET", "/metrics").await;
    let line = r#"native_worker_attempts_total{kind="process_video",outcome="succeeded"}"#;
    assert!(metrics.contains(line), "{metrics}");
    assert!(setup.ended().await.is_empty());
}

#[tokio::test]
async fn a_damaged_image_fails_permanently() {
    let mut setup = Setup::start(&image()[..200], &[]).await;
    let fail = setup.next("fail").await;
    assert_eq!(fail["class"], "permanent");
    assert!(
        fail["code"].as_str().unwrap().starts_with("image_"),
        "{fail}"
    );
    setup.ended().await;
}

#[tokio::test]
async fn a_failing_bucket_makes_the_attempt_retryable() {
    let mut setup = Setup::start(&image(), &[]).await;
    setup.next("workers").await;
    setup
        .bucket
        .faults(axum::http::Method::HEAD, &[Fault::Error500; 6]);
    let fail = setup.next("fail").await;
    assert_eq!(
        (&fail["code"], &fail["class"]),
        (&json!("storage_failed"), &json!("retryable"))
    );
    setup.ended().await;
}

#[tokio::test]
async fn a_hint_is_acknowledged_when_its_job_cannot_be_claimed() {
    for code in [ErrorCode::JobBusy, ErrorCode::JobEnded, ErrorCode::NotFound] {
        let refused = ("claim", code.status(), problem(code));
        let mut setup = Setup::start(&image(), &[refused]).await;
        setup.next("claim").await;
        setup.next("ack").await;
        assert!(setup.ended().await.is_empty());
    }
}

#[tokio::test]
async fn a_hint_is_not_acknowledged_when_the_claim_fails() {
    let mut setup = Setup::start(&image(), &[("claim", 503, Value::Null)]).await;
    setup.next("claim").await;
    assert!(setup.ended().await.is_empty());
}

#[tokio::test]
async fn a_finish_whose_answer_was_lost_is_repeated_and_counts() {
    let answers = [
        ("finish", 409, problem(ErrorCode::JobEnded)),
        ("finish", 502, Value::Null),
    ];
    let mut setup = Setup::start(&image(), &answers).await;
    setup.next("finish").await;
    setup.next("finish").await;
    let bucket = setup.bucket.clone();
    assert!(setup.ended().await.is_empty());
    // The outputs are published, so nothing is removed.
    assert!(
        bucket
            .read("ferrotype-public", &format!("{PREFIX}large.webp"))
            .is_some()
    );
}

#[tokio::test]
async fn a_superseded_attempt_removes_its_outputs() {
    let superseded = ("finish", 409, problem(ErrorCode::LeaseStale));
    let mut setup = Setup::start(&image(), &[superseded]).await;
    setup.next("finish").await;
    let bucket = setup.bucket.clone();
    assert!(setup.ended().await.is_empty());
    assert!(
        bucket
            .read("ferrotype-public", &format!("{PREFIX}large.webp"))
            .is_none()
    );
}

#[tokio::test]
async fn refused_outputs_are_a_failure() {
    let refused = ("finish", 400, problem(ErrorCode::RequestInvalid));
    let mut setup = Setup::start(&image(), &[refused]).await;
    let fail = setup.next("fail").await;
    assert_eq!(fail["code"], "output_invalid");
    setup.ended().await;
}

/// A worker whose codec is replaced by a line of shell, in `folder`.
async fn with_codec(line: &str, answers: &[(&'static str, u16, Value)], folder: &TempDir) -> Setup {
    let launcher = folder.path().join("launcher");
    let worker = env!("CARGO_BIN_EXE_native-worker");
    let script = format!(
        "#!/bin/sh\ncase \"$NATIVE_WORKER_SANDBOX\" in\n*codec*) {line};;\n*) exec {worker} \"$@\";;\nesac\n"
    );
    std::fs::write(&launcher, script).unwrap();
    std::fs::set_permissions(&launcher, std::fs::Permissions::from_mode(0o755)).unwrap();
    let bucket = Bucket::start().await;
    bucket.write("ferrotype-raw", ORIGINAL, &image());
    Setup::launching(launcher, bucket, image().len(), answers, "60000").await
}

#[tokio::test]
async fn a_codec_that_crashes_fails_only_its_job() {
    for (line, code, class) in [
        ("kill -SEGV $$", "image_codec_trapped", "permanent"),
        (
            "echo thread main panicked >&2; exit 101",
            "image_codec_trapped",
            "permanent",
        ),
        (
            "echo memory allocation of 9 bytes failed >&2; kill -ABRT $$",
            "image_memory_exceeded",
            "permanent",
        ),
        ("kill -KILL $$", "worker_exhausted", "retryable"),
        ("echo half a li; exit 1", "worker_exhausted", "retryable"),
        ("echo '{\"short\":5}'", "worker_exhausted", "retryable"),
    ] {
        let folder = TempDir::new().unwrap();
        let mut setup = with_codec(line, &[], &folder).await;
        let fail = setup.next("fail").await;
        let seen = (&fail["code"], &fail["class"]);
        assert_eq!(seen, (&json!(code), &json!(class)), "{line}: {fail}");
        assert!(setup.ended().await.is_empty());
    }
}

#[tokio::test]
async fn the_codec_of_a_cancelled_job_is_killed() {
    let folder = TempDir::new().unwrap();
    let (begun, mark) = (folder.path().join("begun"), folder.path().join("mark"));
    rustix::fs::mkfifoat(rustix::fs::CWD, &begun, rustix::fs::Mode::RWXU).unwrap();
    // It holds the lock of the mark as long as it lives.
    let line = format!(
        "exec flock {} sh -c 'echo >{}; exec sleep 600'",
        mark.display(),
        begun.display()
    );
    let cancel = json!({"lease_until": "2026-11-25T00:00:30Z", "cancel": true, "drain": false});
    let mut setup = with_codec(&line, &[("heartbeat", 200, cancel)], &folder).await;
    let reader = tokio::task::spawn_blocking(move || std::fs::read(begun));
    timeout(MINUTE, reader).await.unwrap().unwrap().unwrap();
    setup.next("heartbeat").await;
    assert!(setup.ended().await.is_empty());
    // The processes of a group do not die at the same moment.
    let mut lock = std::process::Command::new("flock");
    let locked = lock
        .args(["--timeout", "30"])
        .arg(&mark)
        .arg("true")
        .status();
    assert!(locked.unwrap().success(), "the codec is still alive");
}

/// A worker whose attempt waits for its bucket for ever.
async fn hanging(drain_ms: &str, answers: &[(&'static str, u16, Value)]) -> Setup {
    let bucket = Bucket::start().await;
    bucket.write("ferrotype-raw", ORIGINAL, &image());
    bucket.hang("originals");
    let mut setup = Setup::with(bucket, image().len(), answers, drain_ms).await;
    setup.next("claim").await;
    setup
}

#[tokio::test]
async fn after_the_drain_time_the_job_is_released() {
    let mut setup = hanging("100", &[]).await;
    setup.signals.send(()).await.unwrap();
    let registration = setup.next("workers").await;
    let seen = (&registration["state"], registration.get("stopped"));
    assert_eq!(seen, (&json!("draining"), None));
    let release = setup.next("release").await;
    assert_eq!(release, json!({"attempt": 1, "lease_token": "lease"}));
    assert!(setup.ended().await.is_empty());
}

#[tokio::test]
async fn a_second_signal_releases_the_job_at_once() {
    let mut setup = hanging("3600000", &[]).await;
    setup.signals.send(()).await.unwrap();
    setup.next("workers").await;
    let (status, body) = ask(setup.ops, "GET", "/readyz").await;
    assert!(status == 503 && body.contains("shutting down"), "{body}");
    // The lease is renewed while the worker drains.
    setup.next("heartbeat").await;
    setup.signals.send(()).await.unwrap();
    setup.next("release").await;
    assert!(setup.ended().await.is_empty());
}

#[tokio::test]
async fn a_cancelled_job_stops_without_another_call() {
    let cancel = json!({"lease_until": "2026-11-25T00:00:30Z", "cancel": true, "drain": false});
    let mut setup = hanging("60000", &[("heartbeat", 200, cancel)]).await;
    setup.next("heartbeat").await;
    assert!(setup.ended().await.is_empty());
}

#[tokio::test]
async fn without_the_edge_the_attempt_stops() {
    let away = vec![("heartbeat", 503, Value::Null); 200];
    let mut setup = hanging("60000", &away).await;
    let edge = setup.edge.clone();
    setup.next("heartbeat").await;
    let calls = setup.ended().await;
    assert!(calls.iter().all(|verb| verb == "heartbeat"), "{calls:?}");
    let left = edge.answers.lock().unwrap()["heartbeat"].len();
    assert!(left > 0, "the edge answered again");
}

/// The answer of `/readyz`, once its status is the expected one.
async fn readiness(setup: &Setup, expected: u16) -> String {
    let asking = async {
        loop {
            let (status, body) = ask(setup.ops, "GET", "/readyz").await;
            if status == expected {
                return body;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(MINUTE, asking).await.unwrap()
}

#[tokio::test]
async fn a_refused_pull_makes_the_worker_unready_until_one_succeeds() {
    let refused = ("pull", 404, problem(ErrorCode::NotFound));
    let answers = vec![refused; 1_000];
    let mut setup = Setup::start(&image(), &answers).await;
    setup.next("pull").await;
    setup.next("pull").await;
    let body = readiness(&setup, 503).await;
    let reason = "/v1/queues/media-jobs/messages/pull refused the call (404 not_found: No.)";
    let problem: Value = serde_json::from_str(&body).unwrap();
    let [why] = problem["reasons"].as_array().unwrap().as_slice() else {
        panic!("{body}");
    };
    let why = why.as_str().unwrap();
    assert!(
        why.starts_with("pulls from the queue fail: http://"),
        "{body}"
    );
    assert!(why.ends_with(reason), "{body}");
    // The queue works again, and its hint is taken.
    setup.edge.answers.lock().unwrap().remove("pull");
    readiness(&setup, 200).await;
    setup.next("claim").await;
    setup.ended().await;
}

#[tokio::test]
async fn a_short_outage_of_the_queue_does_not_make_the_worker_unready() {
    let empty = json!({"success": true, "result": {"messages": []}});
    let mut answers = vec![("pull", 503, Value::Null); 100];
    answers.push(("pull", 200, empty));
    let mut setup = Setup::start(&image(), &answers).await;
    for _ in 0..3 {
        setup.next("pull").await;
    }
    assert_eq!(ask(setup.ops, "GET", "/readyz").await.0, 200);
    setup.ended().await;
}

#[tokio::test]
async fn a_worker_that_never_reached_the_queue_is_not_ready() {
    let answers = vec![("pull", 503, Value::Null); 100];
    let mut setup = Setup::start(&image(), &answers).await;
    for _ in 0..2 {
        setup.next("pull").await;
    }
    let body = readiness(&setup, 503).await;
    assert!(body.contains("/messages/pull answered 503"), "{body}");
    setup.ended().await;
}
