//! The native worker: the part of Ferrotype that runs on a machine, for work that is too heavy for the edge.
//!
//! A worker pulls hints from the queue and claims jobs at the edge ([`worker`], `slot`). Each job that it claimed is an
//! [`attempt`] under a [`lease`]: the work reads and writes the buckets by its own [`storage`] and works in its own
//! [`scratch`] folder, and the end is told until the edge has heard it (`ending`).
//!
//! Invariant: what is claimed is finished, failed or released; or the worker has stopped by itself when its lease was over.
//! Invariant: a worker may be killed at any moment. What it leaves behind is a lease that runs out, a prefix that the edge
//! removes, and a folder that the next start sweeps.

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

/// How long open requests of the operations endpoints may take to end, after the work has.
const REQUESTS_MAX: Duration = Duration::from_secs(1);

/// Works, and serves the operations endpoints on `listener`, until the first of `signals`; then it ends in order, or at
/// once at the second.
pub async fn run(
    config: Config,
    listener: TcpListener,
    signals: mpsc::Receiver<()>,
) -> Result<(), Error> {
    let worker = Worker::new(config).map_err(|error| Error::Client(error.to_string()))?;
    let (over, is_over) = oneshot::channel::<()>();
    let serving =
        axum::serve(listener, endpoints::router(worker.clone())).with_graceful_shutdown(async {
            // An error means the same: the sender is gone.
            let _ = is_over.await;
        });
    let mut serving = std::pin::pin!(serving.into_future());
    tokio::select! {
        result = &mut serving => return result.map_err(Error::Serve),
        () = worker.run(signals) => {}
    }
    drop(over);
    match timeout(REQUESTS_MAX, serving).await {
        Ok(result) => result.map_err(Error::Serve),
        Err(_) => Ok(()),
    }
}
