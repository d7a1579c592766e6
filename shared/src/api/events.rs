//! Bodies of the operations on the event stream. The events themselves are in [`crate::event`].

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Answer of `CreateTicket`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ticket {
    /// Goes into `?ticket=` of the event stream.
    pub ticket: String,
    /// When it ends; a stream that it opened goes on.
    pub expires_at: Timestamp,
}
