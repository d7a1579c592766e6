//! The message format of Cloudflare Queues' HTTP pull consumers (`messages/pull`, `messages/ack`), with its field names and
//! their spelling. One field is an extension: `wait_ms`, how long a pull waits for a message.
//!
//! A pulled message is a hint to claim a job. Only the claim reserves the job, so a message that was pulled but not claimed
//! becomes visible again after [`UNCLAIMED_MS`], whatever visibility timeout the pull requested.

use serde::{Deserialize, Serialize};

/// Default `batch_size` of a pull.
pub const BATCH_DEFAULT: u32 = 5;

/// Largest `batch_size` of a pull; a limit of Cloudflare Queues.
pub const BATCH_MAX: u32 = 100;

/// Longest wait of a pull in milliseconds: half of the 60 s after which common proxies close an idle connection.
pub const WAIT_MAX_MS: u64 = 30_000;

/// Longest time in milliseconds that a pulled message stays hidden without a claim. A claim takes about 0.1 s.
pub const UNCLAIMED_MS: u64 = 5_000;

/// Longest delay of a retry in seconds: 12 hours, a limit of Cloudflare Queues.
pub const DELAY_MAX_S: u64 = 43_200;

/// `CF-Content-Type` of our messages. Their body is plain text in the answer; with `json` or `bytes` it would be base64.
pub const CONTENT_TYPE: &str = "text";

/// Body of `PullMessages`; optional.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PullMessages {
    /// How long pulled messages stay hidden, in milliseconds; values above 5 000 mean 5 000.
    #[serde(default)]
    pub visibility_timeout_ms: Option<u64>,
    /// Older name of `visibility_timeout_ms`.
    #[serde(default)]
    pub visibility_timeout: Option<u64>,
    /// Largest number of messages, 1–100; default 5.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 100))]
    pub batch_size: Option<u32>,
    /// How long to wait for a message, in milliseconds; default 0, values above 30 000 mean 30 000. While the pull waits, the answer consists of white space.
    #[serde(default)]
    pub wait_ms: Option<u64>,
}

/// Answer of `PullMessages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PulledMessages {
    /// Always `true`; an error is a problem document.
    pub success: bool,
    /// Always empty.
    pub errors: Vec<String>,
    /// Always empty.
    pub messages: Vec<String>,
    /// The pulled messages.
    pub result: Pulled,
}

/// Messages of one pull.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pulled {
    /// Number of messages that are not acknowledged, including these.
    pub message_backlog_count: u64,
    /// The messages, oldest first.
    pub messages: Vec<PulledMessage>,
    /// Metadata of the queue.
    pub metadata: PullMetadata,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PulledMessage {
    /// Id; the same for every delivery.
    pub id: String,
    /// Body as text.
    pub body: String,
    /// Number of deliveries, including this one.
    pub attempts: u32,
    /// When it was queued, in milliseconds since the epoch.
    pub timestamp_ms: u64,
    /// Id to acknowledge or retry this delivery with.
    pub lease_id: String,
    /// Metadata of the message.
    pub metadata: MessageMetadata,
}

/// Metadata of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MessageMetadata {
    /// Encoding of the body: `text`.
    #[serde(rename = "CF-Content-Type")]
    pub content_type: String,
}

/// Metadata of a pull.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PullMetadata {
    /// Backlog of the queue.
    pub metrics: BacklogMetrics,
}

/// The backlog of a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BacklogMetrics {
    /// Number of messages that are not acknowledged.
    pub backlog_count: u64,
    /// Total size of their bodies in bytes.
    pub backlog_bytes: u64,
    /// When the oldest of them was queued, in milliseconds since the epoch; `null` if there are none.
    pub oldest_message_timestamp_ms: Option<u64>,
}

/// Body of `AckMessages`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AckMessages {
    /// Messages to acknowledge.
    #[serde(default)]
    pub acks: Vec<Ack>,
    /// Messages to deliver again.
    #[serde(default)]
    pub retries: Vec<Retry>,
}

/// A message to acknowledge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ack {
    /// `lease_id` from the pull.
    pub lease_id: String,
}

/// A message to deliver again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Retry {
    /// `lease_id` from the pull.
    pub lease_id: String,
    /// Delay in seconds, at most 43 200 (12 hours); default 0.
    #[serde(default)]
    pub delay_seconds: Option<u64>,
}

/// Answer of `AckMessages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AckedMessages {
    /// Always `true`; an error is a problem document.
    pub success: bool,
    /// Always empty.
    pub errors: Vec<String>,
    /// Always empty.
    pub messages: Vec<String>,
    /// Result of the acknowledgement.
    pub result: Acked,
}

/// Result of an acknowledgement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acked {
    /// Number of acknowledged messages.
    #[serde(rename = "ackCount")]
    pub ack_count: u64,
    /// Number of messages that will be delivered again.
    #[serde(rename = "retryCount")]
    pub retry_count: u64,
    /// Lease ids that are no longer valid because the message was claimed, acknowledged or pulled again.
    pub warnings: Vec<String>,
}
