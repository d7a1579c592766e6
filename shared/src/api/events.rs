//! Bodies of the operations on the event stream. The events themselves are in [`crate::event`].

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Answer of `CreateTicket`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ticket {
    /// Value of the event stream's `ticket` query parameter.
    pub ticket: String,
    /// When the ticket expires. A stream that was opened with it continues.
    pub expires_at: Timestamp,
}
