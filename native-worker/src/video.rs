//! Temporary: stands in for the pipeline of films and sound until that is merged, and refuses every job.

use shared::problem::ErrorCode;
use shared::worker::Made;

use crate::attempt::{Attempt, WorkError};

/// Refuses the job.
#[expect(clippy::unused_async, reason = "the pipeline is async")]
pub async fn run(_attempt: &Attempt) -> Result<Made, WorkError> {
    Err(WorkError::permanent(
        ErrorCode::KindUnsupported,
        "This worker does no films and no sound yet.",
    ))
}
