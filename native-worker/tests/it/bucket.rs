//! A real S3 server in the test process, with faults on demand.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;

use crate::sample::serve;

/// A fault of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It answers 500.
    Error500,
    /// The body of the answer is cut off after its first half.
    CutOff,
    /// The object is stored with a wrong last byte.
    Damaged,
    /// The `ETag` of the answer is not an MD5.
    OtherEtag,
    /// The object is stored without its last byte, and the `ETag` of the answer is not an MD5.
    Shortened,
}

/// A server with two buckets, in a folder of its own.
#[derive(Clone)]
pub(crate) struct Bucket {
    pub(crate) addr: SocketAddr,
    server: Arc<Server>,
}

struct Server {
    s3: S3Service,
    root: TempDir,
    faults: Mutex<HashMap<Method, Vec<Fault>>>,
    seen: Mutex<Vec<Seen>>,
    /// Requests whose path contains this are never answered.
    hangs: Mutex<Option<&'static str>>,
    /// Bodies of GETs whose path contains this are cut off, so many times.
    cuts: Mutex<Option<(&'static str, u32)>>,
}

impl Server {
    fn cuts(&self, path: &str) -> bool {
        match &mut *self.cuts.lock().unwrap() {
            Some((part, left @ 1..)) if path.contains(*part) => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

impl Bucket {
    pub(crate) async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        for bucket in ["ferrotype-raw", "ferrotype-public"] {
            std::fs::create_dir(root.path().join(bucket)).unwrap();
        }
        let mut s3 = S3ServiceBuilder::new(s3s_fs::FileSystem::new(root.path()).unwrap());
        s3.set_auth(SimpleAuth::from_single("s3-id", "s3-secret"));
        let server = Arc::new(Server {
            s3: s3.build(),
            root,
            faults: Mutex::default(),
            seen: Mutex::default(),
            hangs: Mutex::default(),
            cuts: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(server.clone());
        let addr = serve(router).await;
        Self { addr, server }
    }

    /// The next requests of `method` have these faults, in this order.
    pub(crate) fn faults(&self, method: Method, faults: &[Fault]) {
        let faults = faults.iter().rev().copied().collect();
        self.server.faults.lock().unwrap().insert(method, faults);
    }

    /// Requests whose path contains `part` are never answered.
    pub(crate) fn hang(&self, part: &'static str) {
        *self.server.hangs.lock().unwrap() = Some(part);
    }

    /// The next `count` answers to a GET whose path contains `part` are cut off after the first half of their body.
    pub(crate) fn cut_off(&self, part: &'static str, count: u32) {
        *self.server.cuts.lock().unwrap() = Some((part, count));
    }

    pub(crate) fn seen(&self, method: &Method) -> Vec<Seen> {
        let seen = self.server.seen.lock().unwrap();
        let of_method = seen.iter().filter(|seen| seen.method == method);
        of_method.cloned().collect()
    }

    pub(crate) fn write(&self, bucket: &str, key: &str, bytes: &[u8]) {
        let path = self.server.root.path().join(bucket).join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// The folder in which the server keeps the objects below a prefix.
    pub(crate) fn path(&self, bucket: &str, prefix: &str) -> PathBuf {
        self.server.root.path().join(bucket).join(prefix)
    }

    pub(crate) fn read(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        std::fs::read(self.server.root.path().join(bucket).join(key)).ok()
    }
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let method = request.method().clone();
    server.seen.lock().unwrap().push(Seen {
        method: method.clone(),
        path: request.uri().path().to_owned(),
        headers: request.headers().clone(),
    });
    let hangs = *server.hangs.lock().unwrap();
    if hangs.is_some_and(|part| request.uri().path().contains(part)) {
        return std::future::pending().await;
    }
    let fault = {
        let mut faults = server.faults.lock().unwrap();
        faults.get_mut(&method).and_then(Vec::pop)
    };
    let cuts = method == Method::GET && server.cuts(request.uri().path());
    let fault = fault.or(cuts.then_some(Fault::CutOff));
    let (head, body) = request.into_parts();
    let path = server
        .root
        .path()
        .join(head.uri.path().trim_start_matches('/'));
    let mut body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap()
        .to_vec();
    match fault {
        Some(Fault::Error500) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Fault::Damaged) => *body.last_mut().unwrap() ^= 1,
        Some(Fault::CutOff | Fault::OtherEtag | Fault::Shortened) | None => {}
    }
    let request = axum::http::Request::from_parts(head, s3s::Body::from(body.clone()));
    let response = server.s3.call(request).await.unwrap().map(Body::new);
    match fault {
        Some(Fault::CutOff) => cut_off(response).await,
        Some(Fault::OtherEtag | Fault::Shortened) => {
            if fault == Some(Fault::Shortened) {
                std::fs::write(path, body.split_last().unwrap().1).unwrap();
            }
            let mut response = response;
            let etag = HeaderValue::from_static("\"opaque-1\"");
            response.headers_mut().insert("etag", etag);
            response
        }
        Some(Fault::Error500 | Fault::Damaged) | None => response,
    }
}

/// Sends the first half of the body, then an error.
async fn cut_off(response: Response) -> Response {
    let (head, body) = response.into_parts();
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let half = whole.slice(..whole.len() / 2);
    let broken = std::io::Error::other("cut off");
    let body = stream::iter([Ok::<Bytes, std::io::Error>(half)]).chain(stream::iter([Err(broken)]));
    Response::from_parts(head, Body::from_stream(body))
}
