//! [`WorkError`]: why an attempt failed.

use shared::job::FailureClass;
use shared::problem::{ErrorCode, Failure};

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", failure.code.as_str(), failure.detail)]
pub struct WorkError {
    /// Code and detail, for the owner of the asset.
    pub failure: Failure,
    /// Whether another attempt can help.
    pub class: FailureClass,
}

impl WorkError {
    /// No attempt at this input can succeed.
    #[must_use]
    pub fn permanent(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, detail),
            class: FailureClass::Permanent,
        }
    }

    /// Something other than the input failed.
    #[must_use]
    pub fn retryable(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, detail),
            class: FailureClass::Retryable,
        }
    }

    /// The attempt was stopped. This error is never reported to the edge.
    #[must_use]
    pub fn stopped() -> Self {
        Self::retryable(ErrorCode::Unavailable, "The attempt was stopped.")
    }
}
