//! The client of the edge, against answers that a real edge rarely gives.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::post;
use futures_util::stream;
use native_worker::edge::hint::Hint;
use native_worker::edge::{Edge, EdgeError, PULL_WAIT};
use serde_json::json;
use shared::problem::{ErrorCode, Problem};
use tokio::net::TcpListener;

use crate::sample::{JOB, TOKEN, config_at, serve};

const PULL: &str = "/v1/queues/media-jobs/messages/pull";
const CLAIM: &str = "/v1/jobs/{job}/claim";

async fn edge(router: Router) -> Edge {
    Edge::new(&config_at(serve(router).await)).unwrap()
}

async fn claim_answered(status: u16, body: String) -> EdgeError {
    let status = StatusCode::from_u16(status).unwrap();
    let answer = move || async move { (status, body) };
    let edge = edge(Router::new().route(CLAIM, post(answer))).await;
    edge.claim(JOB.parse().unwrap()).await.unwrap_err()
}

#[tokio::test]
async fn a_pull_ignores_white_space_and_sends_the_token() {
    let message = json!({"id": "1", "body": format!(r#"{{"v":1,"job_id":"{JOB}"}}"#), "attempts": 1,
        "timestamp_ms": 1, "lease_id": "l1", "metadata": {"CF-Content-Type": "text"}});
    let answer = json!({"success": true, "errors": [], "messages": [],
        "result": {"message_backlog_count": 1, "messages": [message]}});
    let pull = move |headers: HeaderMap, body: String| async move {
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
        let asked: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(asked["batch_size"], 3);
        assert_eq!(asked["visibility_timeout_ms"], 5_000);
        assert!(asked["wait_ms"].as_u64().unwrap() >= 20_000);
        let chunks = ["  ", " ", &answer.to_string()].map(|text| text.to_owned().into());
        Body::from_stream(stream::iter(chunks.map(Ok::<Bytes, Infallible>)))
    };
    let edge = edge(Router::new().route(PULL, post(pull))).await;
    let hint = Hint {
        lease_id: "l1".to_owned(),
        job: Some(JOB.parse().unwrap()),
    };
    assert_eq!(edge.pull(3, PULL_WAIT).await.unwrap(), [hint]);
}

#[tokio::test]
async fn refusals_have_their_code() {
    for code in [
        ErrorCode::JobBusy,
        ErrorCode::LeaseStale,
        ErrorCode::NotFound,
        ErrorCode::TokenExpired,
    ] {
        let problem = serde_json::to_string(&Problem::new(code, "No.", "req")).unwrap();
        let error = claim_answered(code.status(), problem).await;
        assert_eq!(error.code(), Some(code));
        assert_eq!(error.is_lost(), code != ErrorCode::TokenExpired);
        assert!(error.to_string().ends_with(": No.)"), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_code_is_a_refusal() {
    let problem = json!({"code": "moon_is_full", "detail": "Wait."}).to_string();
    let error = claim_answered(409, problem).await;
    assert!(error.is_lost() && error.code().is_none());
    assert!(claim_answered(404, "<html>".to_owned()).await.is_lost());
}

#[tokio::test]
async fn a_temporary_error_is_not_a_refusal() {
    for status in [301, 408, 429, 500, 502, 503] {
        let error = claim_answered(status, String::new()).await;
        assert!(
            matches!(&error, EdgeError::Unavailable { why, .. } if why.contains(&status.to_string()))
        );
    }
    // The answer of something that is not an edge.
    let error = claim_answered(200, "<html>Welcome to the hotel</html>".to_owned()).await;
    assert!(matches!(error, EdgeError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let edge = Edge::new(&config_at(addr)).unwrap();
    let error = edge.claim(JOB.parse().unwrap()).await.unwrap_err();
    let expected = format!(
        "http://{addr}/v1/jobs/{JOB}/claim cannot be reached: no connection: Connection refused (os error 111)"
    );
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error, EdgeError::Unavailable { .. }));
}

#[tokio::test]
async fn the_token_follows_no_redirect() {
    // This server answers 200 to everyone.
    let elsewhere = Router::new().route("/", post(|| async {}));
    let target = format!("http://{}/", serve(elsewhere).await);
    let redirect = move || async move { Redirect::temporary(&target) };
    let edge = edge(Router::new().route(CLAIM, post(redirect))).await;
    let error = edge.claim(JOB.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, EdgeError::Unavailable { why, .. } if why == "answered 307"));
}

#[tokio::test]
async fn a_heartbeat_waits_no_longer_than_it_may() {
    // This server accepts the connection and never answers.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let edge = Edge::new(&config_at(listener.local_addr().unwrap())).unwrap();
    let beat = serde_json::from_value(json!({"attempt": 1, "lease_token": "l"})).unwrap();
    let error = edge
        .heartbeat(JOB.parse().unwrap(), &beat, Duration::from_millis(30))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, EdgeError::Unavailable { why, .. } if why == "cannot be reached: no answer in time"),
        "{error}"
    );
}
