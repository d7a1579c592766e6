//! Operations endpoints, for whoever watches the process. They hold no secret and change nothing.

use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use shared::api::Health;

use crate::VERSION;

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

/// Which build answers.
async fn version() -> Json<Version> {
    Json(Version {
        name: "native-worker",
        version: VERSION,
    })
}
