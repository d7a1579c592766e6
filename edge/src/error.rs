//! Every failure of the edge, and its way to the client. Causes are logged once, here, and never sent.

use shared::job::Rejected;
use shared::problem::{ErrorCode, Failure, Problem};

/// Why a request, a message or an alarm did not succeed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The caller's doing, told to the caller.
    Problem(Failure),
    /// Ours; the caller learns only that it happened.
    Internal(String),
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A problem of `code`, told by `detail`.
    pub(crate) fn problem(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self::Problem(Failure::new(code, detail))
    }

    /// The one answer for what does not exist and for what is not the caller's.
    pub(crate) fn not_found() -> Self {
        Self::problem(
            ErrorCode::NotFound,
            "Nothing of yours has this address. Check the id and the token's tenant and user.",
        )
    }

    /// A fault of ours.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// What an attempt or an asset keeps of this error. Internal causes stay in the log.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Problem(failure) => failure.clone(),
            Self::Internal(_) => Failure::new(
                ErrorCode::Internal,
                "A fault of the service. It was logged; trying again may help.",
            ),
        }
    }

    /// The problem document for one request; logs an internal cause.
    pub(crate) fn into_problem(self, request_id: &str) -> Problem {
        if let Self::Internal(cause) = &self {
            worker::console_error!("internal error request.id={request_id} cause={cause}");
        }
        let failure = self.failure();
        Problem::new(failure.code, failure.detail, request_id)
    }
}

impl From<worker::Error> for Error {
    fn from(error: worker::Error) -> Self {
        Self::internal(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Problem(failure)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        let detail = match rejected {
            Rejected::NotDue => "The job waits for a later time.",
            Rejected::Busy => "Another attempt holds the job.",
            Rejected::Stale => {
                "The attempt or its lease token is not the current one; stop working on this job."
            }
            Rejected::Ended => "The job has ended; its state no longer changes.",
            Rejected::NotRedrivable => "Only a failed or cancelled job can be redriven.",
        };
        Self::problem(rejected.code(), detail)
    }
}
