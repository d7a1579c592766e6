//! Errors of the edge, and how they reach the client. The cause of an internal error is logged once, here, and never sent.

use std::fmt::Display;

use shared::job::Rejected;
use shared::problem::{ErrorCode, Failure, Problem};

/// Why a request, a message or an alarm failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// The caller caused it and is told why.
    Problem(Failure),
    /// The service caused it. The caller learns only that it happened.
    Internal(String),
}

pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A problem with this code and detail.
    pub(crate) fn problem(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self::Problem(Failure::new(code, detail))
    }

    /// The response for what does not exist and for what the caller may not see: both look the same.
    pub(crate) fn not_found() -> Self {
        Self::problem(
            ErrorCode::NotFound,
            "Not found, or not visible to this token. Check the id, and the tenant and user of the token.",
        )
    }

    /// The same response for a caller without a token.
    pub(crate) fn not_public() -> Self {
        Self::problem(
            ErrorCode::NotFound,
            "Not found, or not public. Check the id. If it belongs to you, send your token in the header Authorization.",
        )
    }

    /// The response for a file that is not at a public URL. A token would not help, so none is mentioned.
    pub(crate) fn no_file() -> Self {
        Self::problem(
            ErrorCode::NotFound,
            "There is no file at this URL. It may have been deleted, or the URL may have expired.",
        )
    }

    /// An internal error.
    pub(crate) fn internal(cause: impl Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// What is stored or sent of this error: internal causes stay in the log.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::Problem(failure) => failure.clone(),
            Self::Internal(_) => Failure::new(
                ErrorCode::Internal,
                "Internal error. It was logged; trying again may help.",
            ),
        }
    }

    /// The problem document for one request. Logs an internal cause.
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
            Rejected::NotDue => "The job is not due yet.",
            Rejected::Busy => "Another attempt holds the job.",
            Rejected::Stale => {
                "The attempt or its lease token is not the current one. Stop working on this job."
            }
            Rejected::Ended => "The job has already ended; nothing was changed.",
            Rejected::NotRedrivable => "Only a failed or cancelled job can be redriven.",
        };
        Self::problem(rejected.code(), detail)
    }
}
