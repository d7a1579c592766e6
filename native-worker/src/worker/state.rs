//! [`Worker`]: what all slots share.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::edge::Edge;
use crate::error::Error;
use crate::host::guard;
use crate::host::health::Health;
use crate::storage::buckets::Buckets;

/// What all slots share.
#[derive(Debug)]
pub struct Worker {
    pub(crate) config: Arc<Config>,
    pub(crate) edge: Edge,
    pub(crate) buckets: Buckets,
    pub(crate) health: Health,
    /// Cancelled when the worker takes no more jobs.
    pub(crate) draining: CancellationToken,
    /// Cancelled when running attempts must be released.
    pub(crate) halt: CancellationToken,
    /// The `drain` of the latest heartbeat.
    pub(crate) drain_requested: watch::Sender<bool>,
    /// Notified when an attempt failed because of a bucket.
    pub(crate) buckets_failed: Notify,
    /// Notified when the reasons not to take jobs may have changed.
    pub(crate) changed: Notify,
}

impl Worker {
    /// A worker that has not started yet.
    ///
    /// # Errors
    ///
    /// If the HTTP client for the edge cannot be made.
    pub fn new(config: Config) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            edge: Edge::new(&config)?,
            buckets: Buckets::new(&config.buckets),
            health: Health::default(),
            draining: CancellationToken::new(),
            halt: CancellationToken::new(),
            drain_requested: watch::Sender::new(false),
            buckets_failed: Notify::new(),
            changed: Notify::new(),
            config: Arc::new(config),
        }))
    }

    /// The reasons not to pull now; empty if there are none.
    pub(crate) fn obstacles(&self) -> Vec<String> {
        self.with_own(self.health.obstacles())
    }

    /// The reasons why the worker is not ready now; empty if it is.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.with_own(self.health.faults())
    }

    /// Adds the reasons that depend on this moment.
    fn with_own(&self, mut reasons: Vec<String>) -> Vec<String> {
        reasons.extend(guard::obstacles(&self.config));
        if self.draining.is_cancelled() {
            reasons.push("the worker is shutting down".to_owned());
        }
        reasons
    }
}
