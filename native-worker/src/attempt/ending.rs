//! [`Ending`]: reports the end of an attempt (finish, fail or release) until the edge confirms it.

use std::time::Duration;

use shared::job::FailureClass;
use shared::problem::ErrorCode;
use shared::worker::{FailJob, FailureWord, FinishJob, Made, ReleaseJob};
use tokio::time::timeout;

use crate::attempt::lease::{Lease, Stopped};
use crate::backoff::Backoff;
use crate::edge::{Edge, EdgeError};
use crate::storage::Storage;
use crate::work_error::WorkError;

/// Time limit for removing what a lost attempt stored. The edge removes the rest.
const REMOVAL_MAX: Duration = Duration::from_secs(30);

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its outputs are published.
    Succeeded,
    /// The edge knows the reason.
    Failed,
    /// It was released: the job is queued again.
    Released,
    /// The job was cancelled.
    Cancelled,
    /// For the edge, it was not the current attempt any more.
    Lost,
    /// The lease expired by the clock of this machine.
    Expired,
    /// The edge could not be reached at the end: whether it got the report is not known.
    Unknown,
}

impl Outcome {
    /// The outcome as one word, for metrics and the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Released => "released",
            Self::Cancelled => "cancelled",
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }
}

/// An attempt whose work has ended.
pub(crate) struct Ending<'end> {
    pub(crate) edge: &'end Edge,
    pub(crate) lease: &'end Lease,
    pub(crate) storage: &'end Storage,
}

impl Ending<'_> {
    /// Reports the result to the edge, if this attempt still holds its lease.
    pub(crate) async fn report(&self, result: Result<Made, WorkError>) -> Outcome {
        // `stopped` checks the clock: a program that was suspended must not report as if it held the lease.
        match (self.lease.stopped(), result) {
            (Some(Stopped::Cancelled), _) => self.give_up(Outcome::Cancelled).await,
            (Some(Stopped::Lost), _) => self.give_up(Outcome::Lost).await,
            (Some(Stopped::Expired), _) => self.give_up(Outcome::Expired).await,
            (Some(Stopped::Drained), Err(_)) => self.release().await,
            (Some(Stopped::Drained) | None, Ok(made)) => self.finish(made).await,
            (None, Err(error)) => self.fail(error).await,
        }
    }

    async fn finish(&self, made: Made) -> Outcome {
        let Lease { attempt, token, .. } = self.lease;
        let finish = FinishJob {
            attempt: *attempt,
            lease_token: token.clone(),
            made,
        };
        let reported = self.until_confirmed(|| self.edge.finish(self.lease.job, &finish));
        match reported.await {
            Ok(()) => Outcome::Succeeded,
            Err(error @ EdgeError::Refused { .. }) if error.is_lost() => {
                self.superseded(&error).await
            }
            Err(error @ EdgeError::Refused { .. }) => {
                tracing::error!(%error, "the edge did not accept the outputs");
                // The owner of the asset must not see the URL.
                let detail = format!("The edge did not accept the outputs: {}", error.detail());
                self.fail(WorkError::retryable(ErrorCode::OutputInvalid, detail))
                    .await
            }
            Err(error @ EdgeError::Unavailable { .. }) => unknown(&error),
        }
    }

    async fn fail(&self, WorkError { failure, class }: WorkError) -> Outcome {
        tracing::warn!(
            code = failure.code.as_str(),
            ?class,
            detail = failure.detail,
            "the attempt failed"
        );
        let Lease { attempt, token, .. } = self.lease;
        let fail = FailJob {
            attempt: *attempt,
            lease_token: token.clone(),
            code: failure.code,
            detail: failure.detail,
            class: match class {
                FailureClass::Permanent => FailureWord::Permanent,
                FailureClass::Retryable => FailureWord::Retryable,
            },
        };
        let reported = self.until_confirmed(|| self.edge.fail(self.lease.job, &fail));
        self.ended(Outcome::Failed, reported.await).await
    }

    async fn release(&self) -> Outcome {
        let Lease { attempt, token, .. } = self.lease;
        let release = ReleaseJob {
            attempt: *attempt,
            lease_token: token.clone(),
        };
        let reported = self.until_confirmed(|| self.edge.release(self.lease.job, &release));
        self.ended(Outcome::Released, reported.await).await
    }

    async fn ended(&self, outcome: Outcome, reported: Result<(), EdgeError>) -> Outcome {
        match reported {
            Ok(()) => outcome,
            Err(error @ EdgeError::Refused { .. }) => self.superseded(&error).await,
            Err(error @ EdgeError::Unavailable { .. }) => unknown(&error),
        }
    }

    /// Repeats a call until the edge confirms it or the lease expires.
    ///
    /// A call whose answer was lost may have succeeded. The next call is then refused, because the attempt has ended, and
    /// that refusal is the confirmation.
    async fn until_confirmed<F>(&self, call: impl Fn() -> F) -> Result<(), EdgeError>
    where
        F: Future<Output = Result<(), EdgeError>>,
    {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(2));
        let mut may_have_succeeded = false;
        loop {
            match call().await {
                Err(error) if may_have_succeeded && error.is_lost() => {
                    tracing::info!(%error, "the edge already knew the end of the attempt");
                    return Ok(());
                }
                Err(error @ EdgeError::Unavailable { .. }) if !self.lease.left().is_zero() => {
                    tracing::warn!(
                        %error,
                        "the end of the attempt was not confirmed; it is reported again"
                    );
                    may_have_succeeded = true;
                    backoff.wait().await;
                }
                answer => return answer,
            }
        }
    }

    async fn superseded(&self, error: &EdgeError) -> Outcome {
        tracing::warn!(%error, "the attempt is not the current one any more");
        if error.code() == Some(ErrorCode::JobCancelled) {
            self.give_up(Outcome::Cancelled).await
        } else {
            self.give_up(Outcome::Lost).await
        }
    }

    /// Removes what the attempt stored. Nothing is reported.
    async fn give_up(&self, outcome: Outcome) -> Outcome {
        if timeout(REMOVAL_MAX, self.storage.remove_stored())
            .await
            .is_err()
        {
            tracing::warn!("the edge will remove the remaining files of the attempt");
        }
        outcome
    }
}

/// The outputs stay, because they may be published.
fn unknown(error: &EdgeError) -> Outcome {
    tracing::error!(%error, "the edge did not confirm the end of the attempt before the lease expired");
    Outcome::Unknown
}
