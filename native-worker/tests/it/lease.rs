//! The lease: what heartbeats carry, and when the work must stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use native_worker::attempt::Pulse;
use native_worker::attempt::lease::{Lease, Stopped};
use native_worker::edge::Edge;
use native_worker::host::clock::uptime;
use serde_json::{Value, json};
use shared::job::Progress;
use shared::problem::{ErrorCode, Problem};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::sample::{claimed, config_at, serve, source};

const HEARTBEAT: &str = "/v1/jobs/{job}/heartbeat";
const MINUTE: Duration = Duration::from_mins(1);

/// A lease that is being renewed, its connection to the work, and the received heartbeats.
struct Kept {
    lease: Arc<Lease>,
    pulse: Pulse,
    beats: mpsc::UnboundedReceiver<Value>,
    drain: watch::Receiver<bool>,
    keeping: JoinHandle<()>,
}

fn accepted(cancel: bool, drain: bool) -> Response {
    let answer = json!({"lease_until": "2026-11-25T00:00:30Z", "cancel": cancel, "drain": drain});
    axum::Json(answer).into_response()
}

fn refused(code: ErrorCode) -> Response {
    let problem = serde_json::to_string(&Problem::new(code, "No.", "req")).unwrap();
    let status = StatusCode::from_u16(code.status()).unwrap();
    (status, problem).into_response()
}

fn kept_at(addr: SocketAddr, lease_ms: u64, beats: mpsc::UnboundedReceiver<Value>) -> Kept {
    let work = json!({"kind": "video", "preset": {}});
    let claimed = claimed(&work, lease_ms, &source(1, None));
    let edge = Edge::new(&config_at(addr)).unwrap();
    let lease = Lease::new(edge, &claimed, uptime(), CancellationToken::new());
    let (pulse, progress, early) = Pulse::new(lease.stop_token().clone());
    let (sender, drain) = watch::channel(false);
    let keeping = {
        let lease = lease.clone();
        tokio::spawn(async move { lease.keep(progress, early, sender).await })
    };
    Kept {
        lease,
        pulse,
        beats,
        drain,
        keeping,
    }
}

/// Renews a lease at an edge that answers with `answer`, which gets the number of the heartbeat, from 0.
async fn kept(lease_ms: u64, answer: impl Fn(usize) -> Response + Send + Sync + 'static) -> Kept {
    let (sender, beats) = mpsc::unbounded_channel();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let answer = Arc::new(move |beat| {
        sender.send(beat).unwrap();
        answer(count.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    });
    let heartbeat = move |axum::Json(beat): axum::Json<Value>| async move { answer(beat) };
    let addr = serve(Router::new().route(HEARTBEAT, post(heartbeat))).await;
    kept_at(addr, lease_ms, beats)
}

fn progress(ratio: f64) -> Progress {
    Progress {
        ratio: Some(ratio),
        stage: "encode".to_owned(),
        ..Progress::default()
    }
}

async fn next(beats: &mut mpsc::UnboundedReceiver<Value>) -> Value {
    timeout(MINUTE, beats.recv()).await.unwrap().unwrap()
}

/// Waits for the stop and returns its reason.
async fn stopped(kept: &Kept) -> Option<Stopped> {
    timeout(MINUTE, kept.lease.stop_token().cancelled())
        .await
        .unwrap();
    kept.lease.stopped()
}

#[tokio::test]
async fn without_progress_the_lease_is_renewed_every_third_of_it() {
    let mut kept = kept(300, |_| accepted(false, false)).await;
    let begun = Instant::now();
    for _ in 0..8 {
        let beat = next(&mut kept.beats).await;
        let expected =
            json!({"attempt": 1, "lease_token": "lease", "progress": null, "early": null});
        assert_eq!(beat, expected);
    }
    // After more than twice its length, the lease is still held.
    assert!(begun.elapsed() >= Duration::from_millis(700));
    assert_eq!(kept.lease.stopped(), None);
}

#[tokio::test]
async fn only_the_latest_progress_is_sent_and_only_once() {
    let mut kept = kept(3_000, |_| accepted(false, false)).await;
    let begun = Instant::now();
    for step in 1..=50_u32 {
        kept.pulse.report(progress(f64::from(step) / 50.0));
        tokio::task::yield_now().await;
    }
    let beat = next(&mut kept.beats).await;
    assert_eq!(beat["progress"]["ratio"], 1.0);
    assert!(begun.elapsed() <= Duration::from_millis(2_500));
    // The next heartbeat only renews the lease.
    assert_eq!(next(&mut kept.beats).await["progress"], Value::Null);
}

#[tokio::test]
async fn progress_that_did_not_arrive_is_sent_again() {
    let mut kept = kept(3_000, |count| match count {
        0 | 1 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => accepted(false, false),
    })
    .await;
    kept.pulse.report(progress(0.5));
    for _ in 0..3 {
        assert_eq!(next(&mut kept.beats).await["progress"]["ratio"], 0.5);
    }
    assert_eq!(next(&mut kept.beats).await["progress"], Value::Null);
    assert_eq!(kept.lease.stopped(), None);
}

#[tokio::test]
async fn cancel_and_loss_stop_the_work() {
    let cancel = kept(300, |_| accepted(true, false)).await;
    assert_eq!(stopped(&cancel).await, Some(Stopped::Cancelled));
    for (code, why) in [
        (ErrorCode::JobCancelled, Stopped::Cancelled),
        (ErrorCode::LeaseStale, Stopped::Lost),
        (ErrorCode::JobEnded, Stopped::Lost),
        (ErrorCode::NotFound, Stopped::Lost),
    ] {
        let mut kept = kept(300, move |_| refused(code)).await;
        assert_eq!(stopped(&kept).await, Some(why), "{code:?}");
        timeout(MINUTE, &mut kept.keeping).await.unwrap().unwrap();
        next(&mut kept.beats).await;
        assert!(
            kept.beats.try_recv().is_err(),
            "there was another heartbeat after {code:?}"
        );
    }
}

#[tokio::test]
async fn heartbeats_pass_the_drain_on() {
    let mut kept = kept(300, |count| accepted(false, count == 0)).await;
    for expected in [true, false] {
        timeout(MINUTE, kept.drain.changed())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(*kept.drain.borrow_and_update(), expected);
    }
}

#[tokio::test]
async fn a_short_outage_of_the_edge_is_survived() {
    let mut kept = kept(900, |count| match count {
        1..=3 => StatusCode::BAD_GATEWAY.into_response(),
        _ => accepted(false, false),
    })
    .await;
    for _ in 0..8 {
        next(&mut kept.beats).await;
    }
    assert_eq!(kept.lease.stopped(), None);
}

#[tokio::test]
async fn without_the_edge_the_work_stops_when_the_lease_expires() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let (_sender, beats) = mpsc::unbounded_channel();
    let begun = Instant::now();
    let kept = kept_at(addr, 400, beats);
    assert_eq!(stopped(&kept).await, Some(Stopped::Expired));
    assert!(begun.elapsed() >= Duration::from_millis(390));
    assert!(kept.lease.left().is_zero());
}

#[tokio::test]
async fn a_suspended_program_loses_its_lease() {
    let work = json!({"kind": "video", "preset": {}});
    let claimed = claimed(&work, 1_000, &source(1, None));
    let edge = Edge::new(&config_at("127.0.0.1:9".parse().unwrap())).unwrap();
    // As if the claim had been sent two seconds ago and the program had been suspended since.
    let asked_at = uptime().checked_sub(Duration::from_secs(2)).unwrap();
    let lease = Lease::new(edge, &claimed, asked_at, CancellationToken::new());
    assert!(!lease.stop_token().is_cancelled());
    assert_eq!(lease.stopped(), Some(Stopped::Expired));
    assert!(lease.stop_token().is_cancelled());
}
