//! Commands and their effect on a job.

use super::failure::FailureClass;
use super::fence::{Fence, LeaseHash};
use super::limit::{LOSSES_MAX, RETRIES_MAX, backoff_ms};
use super::state::{Job, State};
use crate::kind::RunsOn;
use crate::problem::ErrorCode;
use crate::time::Timestamp;

/// A request to change a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A worker starts an attempt.
    Claim {
        /// Hash of the new attempt's lease token.
        lease: LeaseHash,
        /// Length of the lease in milliseconds.
        lease_ms: u64,
        /// The deadline is moved here if it is earlier: time spent waiting must not shorten the time for the work.
        deadline_min: Option<Timestamp>,
    },
    /// The worker renews its lease.
    Heartbeat {
        /// Proof of the current attempt.
        fence: Fence,
        /// Length of the renewed lease in milliseconds.
        lease_ms: u64,
        /// The deadline is moved here if it is earlier: a long video gets more time than a short one.
        deadline_min: Option<Timestamp>,
    },
    /// The worker has stored and verified all outputs.
    Finish {
        /// Proof of the current attempt.
        fence: Fence,
    },
    /// The worker reports that the attempt failed.
    Fail {
        /// Proof of the current attempt.
        fence: Fence,
        /// Whether another attempt can help.
        class: FailureClass,
        /// Random number for the retry delay.
        jitter: u64,
    },
    /// The worker has to stop and gives the attempt back.
    Release {
        /// Proof of the current attempt.
        fence: Fence,
    },
    /// The owner cancels the job.
    Cancel,
    /// The sweeper checks the lease and the deadline.
    Expire,
    /// Somebody restarts an ended job.
    Redrive {
        /// The new deadline.
        deadline: Timestamp,
    },
}

/// Effect of an accepted command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An attempt started.
    Claimed,
    /// The lease was renewed.
    Renewed,
    /// The job succeeded.
    Succeeded,
    /// The attempt ended; another may start at `run_at`. `None`: the worker reported the error code.
    Retried(Option<ErrorCode>),
    /// The job failed. `None`: the worker reported the error code.
    Failed(Option<ErrorCode>),
    /// The attempt was given back.
    Released,
    /// The job was cancelled.
    Cancelled,
    /// The job was restarted.
    Redriven,
}

/// Why a command was rejected. The job is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The job is not due yet.
    #[error("job is not due")]
    NotDue,
    /// Another attempt holds the job.
    #[error("job is running elsewhere")]
    Busy,
    /// The fence is not that of the current attempt.
    #[error("lease is stale")]
    Stale,
    /// The job has ended.
    #[error("job has ended")]
    Ended,
    /// Only a failed or cancelled job can be restarted.
    #[error("job cannot be redriven")]
    NotRedrivable,
}

impl Rejected {
    /// Error code for the client.
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::NotDue => ErrorCode::JobNotDue,
            Self::Busy => ErrorCode::JobBusy,
            Self::Stale => ErrorCode::LeaseStale,
            Self::Ended => ErrorCode::JobEnded,
            Self::NotRedrivable => ErrorCode::JobNotRedrivable,
        }
    }
}

/// Applies `command` to `job` at `now`: the new job and the effect.
///
/// ```
/// use shared::job::{Command, Fence, Job, JobState, LeaseHash, Outcome, Rejected, State, step};
/// use shared::kind::RunsOn;
/// use shared::time::Timestamp;
///
/// let now = Timestamp::from_ms(1_767_225_600_000);
/// let queued = Job {
///     state: State::Queued { run_at: now },
///     attempt: 0,
///     runs_on: RunsOn::Edge,
///     failures: 0,
///     losses: 0,
///     deadline: now.plus_ms(1_800_000),
/// };
///
/// // A worker claims the job: attempt 1 starts.
/// let lease = LeaseHash::of("token of the first attempt");
/// let claim = Command::Claim { lease: lease.clone(), lease_ms: 30_000, deadline_min: None };
/// let (running, outcome) = step(&queued, &claim, now)?;
/// assert_eq!((running.attempt, outcome), (1, Outcome::Claimed));
///
/// // Nobody else can claim it now, and only the current attempt can finish it.
/// assert_eq!(step(&running, &claim, now), Err(Rejected::Busy));
/// let fence = Fence { attempt: 1, lease };
/// let stale = Fence { attempt: 0, ..fence.clone() };
/// assert_eq!(step(&running, &Command::Finish { fence: stale }, now), Err(Rejected::Stale));
///
/// let (done, _) = step(&running, &Command::Finish { fence }, now)?;
/// assert_eq!(done.state.word(), JobState::Succeeded);
/// # Ok::<(), Rejected>(())
/// ```
///
/// # Errors
///
/// A [`Rejected`] if the command is not allowed in the job's state. The snapshot of the transition table lists all cases.
pub fn step(job: &Job, command: &Command, now: Timestamp) -> Result<(Job, Outcome), Rejected> {
    match &job.state {
        State::Queued { run_at } => step_queued(job, *run_at, command, now),
        State::Running { lease, lease_until } => {
            step_running(job, lease, *lease_until, command, now)
        }
        State::Succeeded => match command {
            Command::Redrive { .. } => Err(Rejected::NotRedrivable),
            Command::Claim { .. }
            | Command::Cancel
            | Command::Expire
            | Command::Heartbeat { .. }
            | Command::Finish { .. }
            | Command::Fail { .. }
            | Command::Release { .. } => Err(Rejected::Ended),
        },
        State::Failed | State::Cancelled => match command {
            Command::Redrive { deadline } => Ok((
                Job {
                    state: State::Queued { run_at: now },
                    failures: 0,
                    losses: 0,
                    deadline: *deadline,
                    ..job.clone()
                },
                Outcome::Redriven,
            )),
            Command::Claim { .. }
            | Command::Cancel
            | Command::Expire
            | Command::Heartbeat { .. }
            | Command::Finish { .. }
            | Command::Fail { .. }
            | Command::Release { .. } => Err(Rejected::Ended),
        },
    }
}

fn step_queued(
    job: &Job,
    run_at: Timestamp,
    command: &Command,
    now: Timestamp,
) -> Result<(Job, Outcome), Rejected> {
    let to = |state| Job {
        state,
        ..job.clone()
    };
    match command {
        Command::Claim { .. } if run_at > now => Err(Rejected::NotDue),
        Command::Claim {
            lease,
            lease_ms,
            deadline_min,
        } => {
            let state = State::Running {
                lease: lease.clone(),
                lease_until: now.plus_ms(*lease_ms),
            };
            Ok((
                Job {
                    state,
                    deadline: job.deadline.max(deadline_min.unwrap_or(job.deadline)),
                    attempt: job.attempt.saturating_add(1),
                    ..job.clone()
                },
                Outcome::Claimed,
            ))
        }
        Command::Heartbeat { .. }
        | Command::Finish { .. }
        | Command::Fail { .. }
        | Command::Release { .. } => Err(Rejected::Stale),
        Command::Cancel => Ok((to(State::Cancelled), Outcome::Cancelled)),
        Command::Expire if job.deadline <= now => Ok((
            to(State::Failed),
            Outcome::Failed(Some(ErrorCode::JobDeadlineExceeded)),
        )),
        Command::Expire => Err(Rejected::NotDue),
        Command::Redrive { .. } => Err(Rejected::NotRedrivable),
    }
}

fn step_running(
    job: &Job,
    lease: &LeaseHash,
    lease_until: Timestamp,
    command: &Command,
    now: Timestamp,
) -> Result<(Job, Outcome), Rejected> {
    let to = |state| Job {
        state,
        ..job.clone()
    };
    let holds = |fence: &Fence| fence.attempt == job.attempt && fence.lease == *lease;
    match command {
        Command::Claim { .. } => Err(Rejected::Busy),
        Command::Heartbeat { fence, .. }
        | Command::Finish { fence }
        | Command::Fail { fence, .. }
        | Command::Release { fence }
            if !holds(fence) =>
        {
            Err(Rejected::Stale)
        }
        Command::Heartbeat {
            lease_ms,
            deadline_min,
            ..
        } => {
            let lease_until = now.plus_ms(*lease_ms).max(lease_until);
            Ok((
                renew(job, lease, lease_until, *deadline_min),
                Outcome::Renewed,
            ))
        }
        Command::Finish { .. } => Ok((to(State::Succeeded), Outcome::Succeeded)),
        Command::Fail {
            class: FailureClass::Permanent,
            ..
        } => Ok((count_failure(job, State::Failed), Outcome::Failed(None))),
        Command::Fail {
            class: FailureClass::Retryable,
            ..
        } if job.failures >= RETRIES_MAX => {
            Ok((count_failure(job, State::Failed), Outcome::Failed(None)))
        }
        Command::Fail {
            class: FailureClass::Retryable,
            jitter,
            ..
        } => {
            let run_at = now.plus_ms(backoff_ms(job.failures + 1, *jitter));
            Ok((
                count_failure(job, State::Queued { run_at }),
                Outcome::Retried(None),
            ))
        }
        Command::Release { .. } => Ok((to(State::Queued { run_at: now }), Outcome::Released)),
        Command::Cancel => Ok((to(State::Cancelled), Outcome::Cancelled)),
        Command::Expire if job.deadline <= now => Ok((
            to(State::Failed),
            Outcome::Failed(Some(ErrorCode::JobDeadlineExceeded)),
        )),
        Command::Expire if lease_until > now => Err(Rejected::NotDue),
        Command::Expire => Ok(lose_worker(job, now)),
        Command::Redrive { .. } => Err(Rejected::NotRedrivable),
    }
}

/// Renews the lease. Invariant: a renewal shortens neither a lease nor a deadline.
fn renew(
    job: &Job,
    lease: &LeaseHash,
    lease_until: Timestamp,
    deadline_min: Option<Timestamp>,
) -> Job {
    Job {
        state: State::Running {
            lease: lease.clone(),
            lease_until,
        },
        deadline: job.deadline.max(deadline_min.unwrap_or(job.deadline)),
        ..job.clone()
    }
}

/// The worker disappeared. Waiting for its lease was delay enough: the next attempt may start at once.
fn lose_worker(job: &Job, now: Timestamp) -> (Job, Outcome) {
    let is_last = match job.runs_on {
        RunsOn::Edge => job.failures >= RETRIES_MAX,
        RunsOn::Native => job.losses >= LOSSES_MAX,
    };
    let (state, outcome) = if is_last {
        let outcome = Outcome::Failed(Some(ErrorCode::JobPoisonous));
        (State::Failed, outcome)
    } else {
        let outcome = Outcome::Retried(Some(ErrorCode::LeaseExpired));
        (State::Queued { run_at: now }, outcome)
    };
    let counted = match job.runs_on {
        RunsOn::Edge => count_failure(job, state),
        RunsOn::Native => Job {
            state,
            losses: job.losses.saturating_add(1),
            ..job.clone()
        },
    };
    (counted, outcome)
}

fn count_failure(job: &Job, state: State) -> Job {
    Job {
        state,
        failures: job.failures.saturating_add(1),
        ..job.clone()
    }
}
