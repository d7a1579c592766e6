//! The operations endpoints and the shutdown of `run`, in process. The edge cannot be reached.

use std::net::SocketAddr;
use std::time::Duration;

use native_worker::{Error, run};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::http::{ask, read};
use crate::sample::config;

struct Worker {
    addr: SocketAddr,
    signals: mpsc::Sender<()>,
    end: JoinHandle<Result<(), Error>>,
    _scratch: TempDir,
}

impl Worker {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let config = config(&[("NATIVE_WORKER_SCRATCH", scratch.path().to_str().unwrap())]);
        let (signals, received) = mpsc::channel(2);
        let end = tokio::spawn(run(config, listener, received));
        Self {
            addr,
            signals,
            end,
            _scratch: scratch,
        }
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = ask(self.addr, "GET", path).await;
        assert_eq!(status, 200, "{path}");
        serde_json::from_str(&body).unwrap()
    }
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn endpoints() {
    let worker = Worker::start().await;
    assert_eq!(worker.get("/healthz").await, json!({"state": "ok"}));
    let version = json!({"name": "native-worker", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!(worker.get("/version").await, version);
    let (status, metrics) = ask(worker.addr, "GET", "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "native_worker_running 0",
        "native_worker_stored_bytes_total ",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    let resident = metrics
        .lines()
        .find_map(|line| line.strip_prefix("native_worker_resident_memory_bytes "));
    assert!(resident.unwrap().parse::<u64>().unwrap() > 1_000_000);
    assert_eq!(ask(worker.addr, "GET", "/").await.0, 404);
    assert_eq!(ask(worker.addr, "GET", "/v1/assets").await.0, 404);
    assert_eq!(ask(worker.addr, "POST", "/healthz").await.0, 405);
}

#[tokio::test]
async fn a_worker_without_an_edge_is_not_ready_and_reports_why() {
    let worker = Worker::start().await;
    let (status, body) = ask(worker.addr, "GET", "/readyz").await;
    assert_eq!(status, 503);
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["code"], "unavailable");
    assert_eq!(problem["status"], 503);
    let reasons = problem["reasons"].as_array().unwrap();
    assert!(
        reasons
            .iter()
            .any(|why| why.as_str().unwrap().contains("the edge")),
        "{body}"
    );
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .starts_with("The worker takes no jobs: ")
    );
}

#[tokio::test]
async fn it_runs_until_the_first_signal() {
    let mut worker = Worker::start().await;
    assert_eq!(ask(worker.addr, "GET", "/healthz").await.0, 200);
    let early = timeout(Duration::from_millis(50), &mut worker.end).await;
    assert!(early.is_err());
    worker.signals.send(()).await.unwrap();
    // The port is not checked: another test may already use it.
    timeout(MINUTE, worker.end).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_open_request_is_answered_after_the_stop() {
    let worker = Worker::start().await;
    let mut stream = TcpStream::connect(worker.addr).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\n")
        .await
        .unwrap();
    // After an exchange on a second connection, the server has also accepted the first one.
    ask(worker.addr, "GET", "/healthz").await;
    worker.signals.send(()).await.unwrap();
    while TcpStream::connect(worker.addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(b"host: x\r\n\r\n").await.unwrap();
    assert_eq!(
        read(&mut stream).await,
        (200, r#"{"state":"ok"}"#.to_owned())
    );
    timeout(MINUTE, worker.end).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_delay_the_shutdown() {
    let worker = Worker::start().await;
    let mut stream = TcpStream::connect(worker.addr).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\n")
        .await
        .unwrap();
    ask(worker.addr, "GET", "/healthz").await;
    worker.signals.send(()).await.unwrap();
    timeout(MINUTE, worker.end).await.unwrap().unwrap().unwrap();
}
