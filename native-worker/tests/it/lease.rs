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

/// A lease that is kept, the work's line to it, and the heartbeats that came.
struct Kept {
    lease: Arc<Lease>,
    pulse: Pulse,
    beats: mpsc::UnboundedReceiver<Value>,
    drain: watch::Receiver<bool>,
    keeping: JoinHandle<()>,
}

fn taken(cancel: bool, drain: bool) -> Response {
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
    let (told, drain) = watch::channel(false);
    let keeping = {
        let lease = lease.clone();
        tokio::spawn(async move { lease.keep(progress, early, told).await })
    };
    Kept {
        lease,
        pulse,
        beats,
        drain,
        keeping,
    }
}

/// Keeps a lease at an edge that answers like this; `answer` is given the number of the heartbeat, from 0.
async fn kept(lease_ms: u64, answer: impl Fn(usize) -> Response + Send + Sync + 'static) -> Kept {
    let (tell, beats) = mpsc::unbounded_channel();
    let count = std::sync::atomic::AtomicUsize::new(0);
    let answer = Arc::new(move |beat| {
        tell.send(beat).unwrap();
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

/// Waits for the stop, and gives its reason.
async fn stopped(kept: &Kept) -> Option<Stopped> {
    timeout(MINUTE, kept.lease.stop_token().cancelled())
        .await
        .unwrap();
    kept.lease.stopped()
}

#[tokio::test]
async fn a_quiet_attempt_renews_its_lease_by_thirds() {
    let mut kept = kept(300, |_| taken(false, false)).await;
    let begun = Instant::now();
    for _ in 0..8 {
        let beat = next(&mut kept.beats).await;
        let expected =
            json!({"attempt": 1, "lease_token": "lease", "progress": null, "early": null});
        assert_eq!(beat, expected);
    }
    // More than two leases long, and still held.
    assert!(begun.elapsed() >= Duration::from_millis(700));
    assert_eq!(kept.lease.stopped(), None);
}

#[tokio::test]
async fn news_are_told_once_and_the_latest_wins() {
    let mut kept = kept(3_000, |_| taken(false, false)).await;
    let begun = Instant::now();
    for step in 1..=50_u32 {
        kept.pulse.tell(progress(f64::from(step) / 50.0));
        tokio::task::yield_now().await;
    }
    let beat = next(&mut kept.beats).await;
    assert_eq!(beat["progress"]["ratio"], 1.0);
    assert!(begun.elapsed() <= Duration::from_millis(2_500));
    // The next one is the quiet one of the lease.
    assert_eq!(next(&mut kept.beats).await["progress"], Value::Null);
}

#[tokio::test]
async fn news_that_were_not_heard_are_told_again() {
    let mut kept = kept(3_000, |count| match count {
        0 | 1 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => taken(false, false),
    })
    .await;
    kept.pulse.tell(progress(0.5));
    for _ in 0..3 {
        assert_eq!(next(&mut kept.beats).await["progress"]["ratio"], 0.5);
    }
    assert_eq!(next(&mut kept.beats).await["progress"], Value::Null);
    assert_eq!(kept.lease.stopped(), None);
}

#[tokio::test]
async fn cancel_and_loss_stop_the_work() {
    let cancel = kept(300, |_| taken(true, false)).await;
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
        assert!(kept.beats.try_recv().is_err(), "it went on after {code:?}");
    }
}

#[tokio::test]
async fn the_edge_says_whether_the_worker_is_wanted() {
    let mut kept = kept(300, |count| taken(false, count == 0)).await;
    for expected in [true, false] {
        timeout(MINUTE, kept.drain.changed())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(*kept.drain.borrow_and_update(), expected);
    }
}

#[tokio::test]
async fn an_edge_that_is_away_for_a_moment_costs_nothing() {
    let mut kept = kept(900, |count| match count {
        1..=3 => StatusCode::BAD_GATEWAY.into_response(),
        _ => taken(false, false),
    })
    .await;
    for _ in 0..8 {
        next(&mut kept.beats).await;
    }
    assert_eq!(kept.lease.stopped(), None);
}

#[tokio::test]
async fn without_the_edge_the_work_stops_when_the_lease_is_over() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let (_tell, beats) = mpsc::unbounded_channel();
    let begun = Instant::now();
    let kept = kept_at(addr, 400, beats);
    assert_eq!(stopped(&kept).await, Some(Stopped::Expired));
    assert!(begun.elapsed() >= Duration::from_millis(390));
    assert!(kept.lease.left().is_zero());
}

#[tokio::test]
async fn a_process_that_stood_still_has_lost_its_lease() {
    let work = json!({"kind": "video", "preset": {}});
    let claimed = claimed(&work, 1_000, &source(1, None));
    let edge = Edge::new(&config_at("127.0.0.1:9".parse().unwrap())).unwrap();
    // As if the claim had been asked for two seconds ago, and nothing had run since.
    let asked_at = uptime().checked_sub(Duration::from_secs(2)).unwrap();
    let lease = Lease::new(edge, &claimed, asked_at, CancellationToken::new());
    assert!(!lease.stop_token().is_cancelled());
    assert_eq!(lease.stopped(), Some(Stopped::Expired));
    assert!(lease.stop_token().is_cancelled());
}
