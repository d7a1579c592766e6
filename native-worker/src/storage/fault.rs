//! Faults of buckets and of the disk. Their texts hold no keys and no URLs.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use shared::problem::ErrorCode;

use crate::work_error::WorkError;

/// The bucket failed to `verb` a file.
pub(super) fn failed(verb: &str, file: &str, why: &str) -> WorkError {
    let detail = format!("The bucket did not {verb} {file}: {why}. The job is tried again.");
    WorkError::retryable(ErrorCode::StorageFailed, detail)
}

/// A file cannot be read from the disk of the worker.
pub(super) fn unreadable(file: &str, why: &std::io::Error) -> WorkError {
    let detail = format!("{file} cannot be read from the worker's disk: {why}.");
    WorkError::retryable(ErrorCode::WorkerExhausted, detail)
}

/// Whether the bucket answered that the object does not exist.
pub(super) fn is_missing<E>(error: &SdkError<E, HttpResponse>) -> bool {
    error
        .raw_response()
        .is_some_and(|raw| raw.status().as_u16() == 404)
}

/// The cause of an error, without keys and URLs.
pub(super) fn cause<E>(error: &SdkError<E, HttpResponse>) -> &'static str {
    match error {
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "the endpoint cannot be reached",
        SdkError::ResponseError(_) => "the answer is not valid S3",
        SdkError::ServiceError(_) | _ => {
            match error.raw_response().map(|raw| raw.status().as_u16()) {
                Some(401 | 403) => {
                    "access denied: check the access key ID, the secret access key and the rights of the key"
                }
                Some(404) => "not found: check the endpoint and the name of the bucket",
                Some(412) => "the object has changed meanwhile",
                Some(500..) => "the bucket answered with a server error",
                _ => "the bucket refused the request",
            }
        }
    }
}
