//! What an event is about, and the hub that receives it.

use shared::event::{Event, EventType};
use shared::id::{AssetId, EventId, JobId};
use shared::time::Timestamp;

use crate::clock;

/// The asset and the job of an event, and whose they are.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) tenant: String,
    pub(crate) user: String,
    pub(crate) asset_id: AssetId,
    pub(crate) job_id: JobId,
}

impl Subject {
    /// Name of the hub of its user.
    pub(crate) fn hub(&self) -> String {
        hub_name(&self.tenant, &self.user)
    }

    /// A new event, without the members that only some types have.
    pub(crate) fn event(&self, event_type: EventType, now: Timestamp) -> Event {
        Event {
            seq: None,
            event_type,
            event_id: EventId::new(now, clock::random()),
            time: now,
            tenant: self.tenant.clone(),
            asset_id: self.asset_id,
            job_id: self.job_id,
            attempt: None,
            progress: None,
            result: None,
            error: None,
        }
    }
}

/// Name of a user's hub: a JSON list, so that no two pairs of names share one.
pub(crate) fn hub_name(tenant: &str, user: &str) -> String {
    serde_json::json!([tenant, user]).to_string()
}
