//! What goes wrong with a bucket or with the disk, in words that hold neither keys nor URLs.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use shared::problem::ErrorCode;

use crate::work_error::WorkError;

/// The bucket's fault.
pub(super) fn failed(verb: &str, file: &str, why: &str) -> WorkError {
    let detail = format!("The bucket did not {verb} {file}: {why}. It is tried again.");
    WorkError::retryable(ErrorCode::StorageFailed, detail)
}

/// The disk's fault.
pub(super) fn unreadable(file: &str, why: &std::io::Error) -> WorkError {
    let detail = format!("{file} cannot be read from the worker's disk: {why}.");
    WorkError::retryable(ErrorCode::WorkerExhausted, detail)
}

/// Whether the bucket said that there is no such object.
pub(super) fn is_missing<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error
        .raw_response()
        .is_some_and(|raw| raw.status().as_u16() == 404)
}

/// What went wrong, in words that hold neither keys nor URLs.
pub(super) fn word<E>(error: &SdkError<E, HttpResponse>) -> &'static str {
    match error {
        SdkError::ConstructionFailure(_) => "the request could not be made",
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "the endpoint cannot be reached",
        SdkError::ResponseError(_) => "the answer is not that of a bucket",
        SdkError::ServiceError(_) | _ => {
            match error.raw_response().map(|raw| raw.status().as_u16()) {
                Some(401 | 403) => "access refused: check the key, its secret and its rights",
                Some(404) => "not found: check the endpoint and the bucket's name",
                Some(412) => "the object changed meanwhile",
                Some(500..) => "the bucket has a fault",
                _ => "the bucket refused",
            }
        }
    }
}
