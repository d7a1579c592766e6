//! Whether a failure is final.

use crate::problem::ErrorCode;

/// Whether another attempt can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// The input can never work.
    Permanent,
    /// Something around the input went wrong.
    Retryable,
}

impl FailureClass {
    /// Class of what went wrong while a picture was decoded and encoded: another attempt helps unless it is the file's fault.
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
