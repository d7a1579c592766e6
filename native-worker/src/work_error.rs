//! [`WorkError`]: why an attempt made nothing.

use shared::job::FailureClass;
use shared::problem::{ErrorCode, Failure};

/// Why an attempt made nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", failure.code.as_str(), failure.detail)]
pub struct WorkError {
    /// For the asset's owner.
    pub failure: Failure,
    /// Whether another attempt can help.
    pub class: FailureClass,
}

impl WorkError {
    /// The input can never work.
    #[must_use]
    pub fn permanent(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, detail),
            class: FailureClass::Permanent,
        }
    }

    /// Something around the input went wrong.
    #[must_use]
    pub fn retryable(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, detail),
            class: FailureClass::Retryable,
        }
    }

    /// The attempt was told to stop; nobody reads this.
    #[must_use]
    pub fn stopped() -> Self {
        Self::retryable(ErrorCode::Unavailable, "The attempt was told to stop.")
    }
}
