//! The end of an attempt: finish, fail or release, told until the edge has heard it.

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

/// Removing what a lost attempt stored is a courtesy: the edge does it in any case.
const REMOVAL_MAX: Duration = Duration::from_secs(30);

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its outputs are published.
    Succeeded,
    /// The edge knows why not.
    Failed,
    /// It was given back.
    Released,
    /// The job was cancelled.
    Cancelled,
    /// The edge took it away.
    Lost,
    /// The lease ran out by this machine's clock.
    Expired,
    /// The edge was not reached at the end: it may or may not have heard.
    Unknown,
}

impl Outcome {
    /// As one word, for metrics and the log.
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

/// An attempt whose work is over.
pub(crate) struct Ending<'end> {
    pub(crate) edge: &'end Edge,
    pub(crate) lease: &'end Lease,
    pub(crate) storage: &'end Storage,
}

impl Ending<'_> {
    /// Tells the edge how it went, if it is still this attempt's to tell.
    pub(crate) async fn tell(&self, result: Result<Made, WorkError>) -> Outcome {
        // The clock is looked at here: a process that stood still must not go on as if nothing had been.
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
        let told = self.until_heard(|| self.edge.finish(self.lease.job, &finish));
        match told.await {
            Ok(()) => Outcome::Succeeded,
            Err(error @ EdgeError::Refused { .. }) if error.is_lost() => {
                self.overtaken(&error).await
            }
            Err(error @ EdgeError::Refused { .. }) => {
                tracing::error!(%error, "the edge does not take what was made");
                let detail = format!("What was made was not accepted: {error}.");
                self.fail(WorkError::retryable(ErrorCode::OutputInvalid, detail))
                    .await
            }
            Err(error @ EdgeError::Unreachable(_)) => unknown(&error),
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
        let told = self.until_heard(|| self.edge.fail(self.lease.job, &fail));
        self.ended(Outcome::Failed, told.await).await
    }

    async fn release(&self) -> Outcome {
        let Lease { attempt, token, .. } = self.lease;
        let release = ReleaseJob {
            attempt: *attempt,
            lease_token: token.clone(),
        };
        let told = self.until_heard(|| self.edge.release(self.lease.job, &release));
        self.ended(Outcome::Released, told.await).await
    }

    async fn ended(&self, outcome: Outcome, told: Result<(), EdgeError>) -> Outcome {
        match told {
            Ok(()) => outcome,
            Err(error @ EdgeError::Refused { .. }) => self.overtaken(&error).await,
            Err(error @ EdgeError::Unreachable(_)) => unknown(&error),
        }
    }

    /// Says it again until it is heard or the lease is over.
    ///
    /// A call whose answer was lost may have done its work: then the next one is refused, because the attempt has ended,
    /// and that is the answer.
    async fn until_heard<F>(&self, call: impl Fn() -> F) -> Result<(), EdgeError>
    where
        F: Future<Output = Result<(), EdgeError>>,
    {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(2));
        let mut may_be_done = false;
        loop {
            match call().await {
                Err(error) if may_be_done && error.is_lost() => {
                    tracing::info!(%error, "the edge had heard the end already");
                    return Ok(());
                }
                Err(EdgeError::Unreachable(why)) if !self.lease.left().is_zero() => {
                    tracing::warn!(
                        why,
                        "the edge did not hear the end of the attempt; told again"
                    );
                    may_be_done = true;
                    backoff.wait().await;
                }
                told => return told,
            }
        }
    }

    async fn overtaken(&self, error: &EdgeError) -> Outcome {
        tracing::warn!(%error, "the attempt was overtaken");
        if error.code() == Some(ErrorCode::JobCancelled) {
            self.give_up(Outcome::Cancelled).await
        } else {
            self.give_up(Outcome::Lost).await
        }
    }

    /// Nothing is told any more; what was stored is nobody's.
    async fn give_up(&self, outcome: Outcome) -> Outcome {
        if timeout(REMOVAL_MAX, self.storage.remove_stored())
            .await
            .is_err()
        {
            tracing::warn!("stored files are left to the edge");
        }
        outcome
    }
}

/// The outputs stay: they may be published.
fn unknown(error: &EdgeError) -> Outcome {
    tracing::error!(%error, "the edge did not hear the end of the attempt before the lease was over");
    Outcome::Unknown
}
