//! Samples: settings, claimed jobs, and an HTTP server for the other side.

use std::ffi::OsString;
use std::net::SocketAddr;

use axum::Router;
use native_worker::config::Config;
use serde_json::{Value, json};
use shared::worker::ClaimedJob;
use tokio::net::TcpListener;

/// A token with the `sub` `worker-1`. Its signature is not checked here.
pub(crate) const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ3b3JrZXItMSJ9.c2lnbmF0dXJl";

/// The required settings. Nothing listens on port 9.
pub(crate) const REQUIRED_SETTINGS: [(&str, &str); 5] = [
    (
        "NATIVE_WORKER_QUEUE_URL",
        "http://127.0.0.1:9/v1/queues/media-jobs",
    ),
    ("NATIVE_WORKER_TOKEN", TOKEN),
    ("NATIVE_WORKER_S3_ENDPOINT", "http://127.0.0.1:9/s3"),
    ("NATIVE_WORKER_S3_ACCESS_KEY_ID", "s3-id"),
    ("NATIVE_WORKER_S3_SECRET_ACCESS_KEY", "s3-secret"),
];

/// A configuration of the required settings and these.
pub(crate) fn config(settings: &[(&str, &str)]) -> Config {
    let variables = REQUIRED_SETTINGS
        .iter()
        .filter(|(name, _)| settings.iter().all(|(other, _)| other != name))
        .chain(settings)
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config {
        // Trap: `/proc/self/exe`, the launcher of the program, is this test here. As a launcher it would run all tests.
        launcher: env!("CARGO_BIN_EXE_native-worker").into(),
        ..Config::from_variables(variables).unwrap()
    }
}

/// A configuration whose edge is at `addr`.
pub(crate) fn config_at(addr: SocketAddr) -> Config {
    let queue = format!("http://{addr}/v1/queues/media-jobs");
    config(&[("NATIVE_WORKER_QUEUE_URL", &queue)])
}

/// Serves `router` until the test ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

/// Id of the sample job.
pub(crate) const JOB: &str = "job_01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Prefix of the sample attempt.
pub(crate) const PREFIX: &str = "m/ast_01ARZ3NDEKTSV4RRFFQ69G5FAV/1-0000000000000001/";

/// The answer of the edge to a claim of a job of `work`.
pub(crate) fn claimed(work: &Value, lease_ms: u64, source: &Value) -> ClaimedJob {
    let job = json!({
        "id": JOB, "kind": "process_video", "state": "running", "asset_id": "ast_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "attempt": 1, "progress": {"ratio": null, "stage": "claim", "rendition": null}, "error": null,
        "attempts": [], "created_at": "2026-11-25T00:00:00Z", "runs_on": "native",
    });
    let claimed = json!({
        "job": job, "attempt": 1, "lease_token": "lease", "lease_ms": lease_ms,
        "lease_until": "2026-11-25T00:00:30Z", "source": source,
        "destination": {"bucket": "public", "prefix": PREFIX}, "work": work,
    });
    serde_json::from_value(claimed).unwrap()
}

/// The original of the sample job.
pub(crate) fn source(size_bytes: usize, sha256: Option<&str>) -> Value {
    json!({
        "bucket": "raw", "key": "originals/ast_01ARZ3NDEKTSV4RRFFQ69G5FAV", "size_bytes": size_bytes,
        "content_type": "video/mp4", "sha256": sha256,
    })
}

/// The answer of the edge to a registration.
pub(crate) fn registered(body: &Value) -> Value {
    let mut worker = body.clone();
    for (name, value) in [
        ("id", json!("worker-1")),
        ("drain", json!(false)),
        ("running", json!(0)),
        ("registered_at", json!("2026-11-25T00:00:00Z")),
        ("seen_at", json!("2026-11-25T00:00:00Z")),
    ] {
        worker[name] = value;
    }
    worker
}
