//! The operations endpoints. They show no secrets and change nothing.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::json;
use shared::api::Health;
use shared::problem::ErrorCode;

use crate::host::memory;
use crate::host::scratch;
use crate::ops::meters::METERS;
use crate::version::VERSION;
use crate::worker::Worker;

/// Answer of `/version`.
#[derive(Debug, Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
}

pub(crate) fn router(worker: Arc<Worker>) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/version", get(version))
        .with_state(worker)
}

fn ok() -> Json<Health> {
    Json(Health {
        state: "ok".to_owned(),
    })
}

/// 200 while the worker runs.
async fn healthz() -> Json<Health> {
    ok()
}

/// 200 if the worker takes jobs; otherwise a problem document with all reasons why it does not.
async fn readyz(State(worker): State<Arc<Worker>>) -> Response {
    let reasons = worker.faults();
    if reasons.is_empty() {
        return ok().into_response();
    }
    let code = ErrorCode::Unavailable;
    let problem = json!({
        "type": code.type_uri(),
        "title": code.title(),
        "status": code.status(),
        "detail": format!("The worker takes no jobs: {}.", reasons.join("; ")),
        "code": code.as_str(),
        "reasons": reasons,
    });
    let header = [(CONTENT_TYPE, "application/problem+json")];
    (StatusCode::SERVICE_UNAVAILABLE, header, problem.to_string()).into_response()
}

/// The meters.
async fn metrics(State(worker): State<Arc<Worker>>) -> ([(HeaderName, &'static str); 1], String) {
    let bytes = |bytes: Option<u64>| i64::try_from(bytes.unwrap_or(0)).unwrap_or(i64::MAX);
    let root = worker.config.scratch.clone();
    let used = tokio::task::spawn_blocking(move || scratch::used_bytes(&root)).await;
    METERS.scratch.set(bytes(used.ok()));
    METERS.resident.set(bytes(memory::resident_bytes()));
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, content_type)], METERS.text())
}

/// Name and version of the program.
async fn version() -> Json<Version> {
    Json(Version {
        name: "native-worker",
        version: VERSION,
    })
}
