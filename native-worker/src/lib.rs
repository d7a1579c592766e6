//! The native worker: the part of Ferrotype that runs on a machine, for work that is too heavy for the edge.
//!
//! A worker pulls hints from the queue and claims jobs at the edge ([`worker`]). Each claimed job is an [`attempt`] under a
//! [`lease`](attempt::lease). The work reads and writes the buckets through [`storage`], keeps its files in a
//! [`scratch`](host::scratch) folder of its own, and runs every other program as a sandboxed [`child`]. The end of the
//! attempt is reported until the edge confirms it ([`ending`](attempt::ending)).
//!
//! Invariant: every claimed job is finished, failed or released, or the worker stops the attempt when its lease expires.
//!
//! Invariant: a worker may be killed at any moment. It then leaves a lease that expires, a prefix that the edge removes,
//! and a folder that the next start removes.

pub mod attempt;
mod backoff;
pub mod child;
pub mod config;
pub mod edge;
mod error;
pub mod host;
mod image;
pub mod ops;
pub mod secret;
pub mod setting;
pub mod storage;
mod version;
pub mod video;
pub mod work_error;
pub mod worker;

use std::future::IntoFuture as _;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

pub use crate::error::Error;
pub use crate::version::VERSION;

use crate::config::Config;
use crate::ops::endpoints;
use crate::worker::Worker;

/// How long open requests to the operations endpoints may take to end after the work has ended.
const REQUESTS_MAX: Duration = Duration::from_secs(1);

/// Runs the worker and serves the operations endpoints on `listener` until the first of `signals`. Then it shuts down in
/// order; at the second signal it shuts down at once.
///
/// # Errors
///
/// If the HTTP client cannot be made or the endpoints cannot be served.
pub async fn run(
    config: Config,
    listener: TcpListener,
    signals: mpsc::Receiver<()>,
) -> Result<(), Error> {
    let worker = Worker::new(config)?;
    let (stop_serving, stopped) = oneshot::channel::<()>();
    let serving =
        axum::serve(listener, endpoints::router(worker.clone())).with_graceful_shutdown(async {
            // An error means the same: the sender was dropped.
            let _ = stopped.await;
        });
    let mut serving = std::pin::pin!(serving.into_future());
    tokio::select! {
        result = &mut serving => return result.map_err(Error::Serve),
        () = worker.run(signals) => {}
    }
    drop(stop_serving);
    match timeout(REQUESTS_MAX, serving).await {
        Ok(result) => result.map_err(Error::Serve),
        Err(_) => Ok(()),
    }
}
