//! The pull dialect of Cloudflare Queues (`messages/pull`, `messages/ack`), as its HTTP API speaks it: fields and spelling are
//! theirs. `wait_ms` is ours: how long a pull waits for a message.
//!
//! A pulled message is a hint to claim a job. Nothing but the claim holds the job, so a message that was pulled and not claimed
//! is visible again after [`UNCLAIMED_MS`], whatever was asked.

use serde::{Deserialize, Serialize};

/// Messages of one pull when `batch_size` is not given.
pub const BATCH_DEFAULT: u32 = 5;

/// Most messages of one pull.
pub const BATCH_MAX: u32 = 100;

/// Longest wait of one pull. Proxies cut what is idle for a minute.
pub const WAIT_MAX_MS: u64 = 30_000;

/// A message that was pulled and not claimed is visible again after this time at the latest. A claim takes a tenth of a second.
pub const UNCLAIMED_MS: u64 = 5_000;

/// Longest delay of a retry: 12 hours, as Queues has it.
pub const DELAY_MAX_S: u64 = 43_200;

/// Media type word of our messages: plain text in the answer. (`json` and `bytes` would be base64.)
pub const CONTENT_TYPE: &str = "text";

/// Body of a pull; may be left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PullMessages {
    /// How long pulled messages stay hidden; more than 5 000 is taken as 5 000.
    #[serde(default)]
    pub visibility_timeout_ms: Option<u64>,
    /// The same by its older name.
    #[serde(default)]
    pub visibility_timeout: Option<u64>,
    /// Most messages, 1–100; 5 by default.
    #[serde(default)]
    pub batch_size: Option<u32>,
    /// How long to wait for a message; more than 30 000 is taken as 30 000. 0 by default. While it waits the answer is white space.
    #[serde(default)]
    pub wait_ms: Option<u64>,
}

/// Envelope of every answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PulledMessages {
    /// Always true: what fails is a problem document.
    pub success: bool,
    /// Always empty.
    pub errors: Vec<String>,
    /// Always empty.
    pub messages: Vec<String>,
    /// What was pulled.
    pub result: Pulled,
}

/// Messages of one pull.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pulled {
    /// Messages that are not acknowledged, these included.
    pub message_backlog_count: u64,
    /// The messages, oldest first.
    pub messages: Vec<PulledMessage>,
    /// What the queue says of itself.
    pub metadata: PullMetadata,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PulledMessage {
    /// Id, the same at each delivery.
    pub id: String,
    /// Body as text.
    pub body: String,
    /// Deliveries, this one included.
    pub attempts: u32,
    /// When it came to the queue, in milliseconds since the epoch.
    pub timestamp_ms: u64,
    /// What to acknowledge or retry it by.
    pub lease_id: String,
    /// What Queues says of a message.
    pub metadata: MessageMetadata,
}

/// Metadata of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageMetadata {
    /// How the body is encoded: `text`.
    #[serde(rename = "CF-Content-Type")]
    pub content_type: String,
}

/// Metadata of a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PullMetadata {
    /// The backlog.
    pub metrics: BacklogMetrics,
}

/// The backlog of a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BacklogMetrics {
    /// Messages that are not acknowledged.
    pub backlog_count: u64,
    /// Their bodies.
    pub backlog_bytes: u64,
    /// When the oldest of them came; 0 without any.
    pub oldest_message_timestamp_ms: u64,
}

/// Body of an acknowledgement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AckMessages {
    /// Messages that are done with.
    #[serde(default)]
    pub acks: Vec<Ack>,
    /// Messages that shall come again.
    #[serde(default)]
    pub retries: Vec<Retry>,
}

/// A message that is done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ack {
    /// Of the pull.
    pub lease_id: String,
}

/// A message that shall come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Retry {
    /// Of the pull.
    pub lease_id: String,
    /// After how long, at most 12 hours; at once by default.
    #[serde(default)]
    pub delay_seconds: Option<u64>,
}

/// Envelope of an acknowledgement's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AckedMessages {
    /// Always true: what fails is a problem document.
    pub success: bool,
    /// Always empty.
    pub errors: Vec<String>,
    /// Always empty.
    pub messages: Vec<String>,
    /// What was done.
    pub result: Acked,
}

/// What an acknowledgement did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acked {
    /// Messages that are gone.
    #[serde(rename = "ackCount")]
    pub ack_count: u64,
    /// Messages that come again.
    #[serde(rename = "retryCount")]
    pub retry_count: u64,
    /// Lease ids that no message has any more: it was claimed, acknowledged, or pulled again.
    pub warnings: Vec<String>,
}
