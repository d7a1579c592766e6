//! [`Worker`]: everything that all slots share.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::edge::{Edge, EdgeError};
use crate::host::guard;
use crate::host::health::Health;
use crate::storage::buckets::Buckets;

/// Everything that all slots share.
#[derive(Debug)]
pub struct Worker {
    pub(crate) config: Arc<Config>,
    pub(crate) edge: Edge,
    pub(crate) buckets: Buckets,
    pub(crate) health: Health,
    /// Nothing new is taken any more.
    pub(crate) draining: CancellationToken,
    /// What runs is given back.
    pub(crate) halt: CancellationToken,
    /// What heartbeats say of being wanted.
    pub(crate) drain_told: watch::Sender<bool>,
    /// An attempt failed by a bucket.
    pub(crate) buckets_doubted: Notify,
    /// Something that stood against work may have changed.
    pub(crate) changed: Notify,
}

impl Worker {
    /// A worker that has done nothing yet.
    pub fn new(config: Config) -> Result<Arc<Self>, EdgeError> {
        Ok(Arc::new(Self {
            edge: Edge::new(&config)?,
            buckets: Buckets::new(&config.buckets),
            health: Health::default(),
            draining: CancellationToken::new(),
            halt: CancellationToken::new(),
            drain_told: watch::Sender::new(false),
            buckets_doubted: Notify::new(),
            changed: Notify::new(),
            config: Arc::new(config),
        }))
    }

    /// Why it takes no work now; empty when it does.
    pub(crate) fn obstacles(&self) -> Vec<String> {
        let mut obstacles = self.health.obstacles();
        obstacles.extend(guard::obstacles(&self.config));
        if self.draining.is_cancelled() {
            obstacles.push("the worker is shutting down".to_owned());
        }
        obstacles
    }
}
