//! Classes of failures: permanent or retryable.

use crate::problem::ErrorCode;

/// Whether another attempt can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// The input can never be processed.
    Permanent,
    /// The cause lies outside the input.
    Retryable,
}

impl FailureClass {
    /// Class of a codec failure: retryable unless the file is the cause.
    #[must_use]
    pub const fn of_codec(code: ErrorCode) -> Self {
        if matches!(
            code,
            ErrorCode::Internal | ErrorCode::Unavailable | ErrorCode::WorkerExhausted
        ) {
            Self::Retryable
        } else {
            Self::Permanent
        }
    }
}
