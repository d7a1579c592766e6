//! Operations endpoints, for whoever watches the process. They hold no secret and change nothing.

use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shared::api::Health;

use crate::VERSION;
use crate::meters::METERS;

/// Answer of `/version`.
#[derive(Debug, Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
}

pub(crate) fn router() -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/version", get(version))
}

fn ok() -> Json<Health> {
    Json(Health {
        state: "ok".to_owned(),
    })
}

/// Whether the process answers.
async fn healthz() -> Json<Health> {
    ok()
}

/// Whether it could work. It depends on nothing yet, so that is the same question.
async fn readyz() -> Json<Health> {
    ok()
}

/// What was counted.
async fn metrics() -> ([(HeaderName, &'static str); 1], String) {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, content_type)], METERS.text())
}

/// Which build answers.
async fn version() -> Json<Version> {
    Json(Version {
        name: "native-worker",
        version: VERSION,
    })
}
