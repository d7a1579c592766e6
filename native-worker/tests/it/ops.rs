//! The endpoints and the end of `run`, in process.

use std::net::SocketAddr;
use std::time::Duration;

use native_worker::config::Config;
use native_worker::{Error, run};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::http::{ask, read};

struct Worker {
    addr: SocketAddr,
    stop: oneshot::Sender<()>,
    end: JoinHandle<Result<(), Error>>,
}

impl Worker {
    async fn start(drain: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let config = Config { addr, drain };
        let shutdown = async {
            let _ = stopped.await;
        };
        let end = tokio::spawn(async move { run(&config, listener, shutdown).await });
        Self { addr, stop, end }
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
    let worker = Worker::start(MINUTE).await;
    assert_eq!(worker.get("/healthz").await, json!({"state": "ok"}));
    assert_eq!(worker.get("/readyz").await, json!({"state": "ok"}));
    let version = json!({"name": "native-worker", "version": env!("CARGO_PKG_VERSION")});
    assert_eq!(worker.get("/version").await, version);
    assert_eq!(ask(worker.addr, "GET", "/").await.0, 404);
    assert_eq!(ask(worker.addr, "GET", "/v1/assets").await.0, 404);
    assert_eq!(ask(worker.addr, "POST", "/healthz").await.0, 405);
}

#[tokio::test]
async fn it_runs_until_it_is_stopped() {
    let Worker {
        addr,
        stop,
        mut end,
    } = Worker::start(MINUTE).await;
    assert_eq!(ask(addr, "GET", "/healthz").await.0, 200);
    assert!(timeout(Duration::from_millis(50), &mut end).await.is_err());
    stop.send(()).unwrap();
    // Not "nobody answers at its port": another test may have been given it by then.
    timeout(MINUTE, end).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_open_request_is_answered_after_the_stop() {
    let Worker { addr, stop, end } = Worker::start(MINUTE).await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\n")
        .await
        .unwrap();
    // A whole exchange on another connection: by then the server has taken this one, too.
    ask(addr, "GET", "/healthz").await;
    stop.send(()).unwrap();
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(b"host: x\r\n\r\n").await.unwrap();
    assert_eq!(
        read(&mut stream).await,
        (200, r#"{"state":"ok"}"#.to_owned())
    );
    timeout(MINUTE, end).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_it() {
    let Worker { addr, stop, end } = Worker::start(Duration::from_millis(20)).await;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\n")
        .await
        .unwrap();
    ask(addr, "GET", "/healthz").await;
    stop.send(()).unwrap();
    timeout(MINUTE, end).await.unwrap().unwrap().unwrap();
}
