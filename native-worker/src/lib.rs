//! The native worker: the part of Ferrotype that runs on a machine, for work that is too heavy for the edge.
//!
//! So far it is a process that can be operated (settings, health, version, an orderly end). It claims no jobs: those
//! that exist today are done at the edge.

pub mod attempt;
mod backoff;
pub mod buckets;
pub mod config;
mod error;
mod fetch;
pub mod ffmpeg;
mod hex;
pub mod meters;
mod ops;
pub mod sandbox;
pub mod secret;
pub mod setting;
pub mod storage;
pub mod video;

use std::future::{Future, IntoFuture as _};

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

pub use crate::error::Error;

use crate::config::Config;

/// Version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Serves on `listener` until `shutdown` is over. Then it takes no new connection, lets open requests end, and gives
/// up on those that take longer than the drain time.
pub async fn run(
    config: &Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = axum::serve(listener, ops::router()).with_graceful_shutdown(async move {
        shutdown.await;
        drop(stop);
    });
    let mut serving = std::pin::pin!(serving.into_future());
    tokio::select! {
        result = &mut serving => return result.map_err(Error::Serve),
        _ = stopped => {}
    }
    match timeout(config.drain, serving).await {
        Ok(result) => result.map_err(Error::Serve),
        Err(_) => Ok(()),
    }
}
