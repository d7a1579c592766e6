//! What a command does to a job.

use super::failure::FailureClass;
use super::lease::{Fence, LeaseHash};
use super::limit::{LOSSES_MAX, RETRIES_MAX, backoff_ms};
use super::state::{Job, State};
use crate::kind::RunsOn;
use crate::problem::ErrorCode;
use crate::time::Timestamp;

/// What somebody wants of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A worker takes it.
    Claim {
        /// Hash of the new lease token.
        lease: LeaseHash,
        /// Length of the lease.
        lease_ms: u64,
        /// The deadline becomes this if it is earlier: time in a backlog is no time at work.
        deadline_min: Option<Timestamp>,
    },
    /// Its worker is alive.
    Heartbeat {
        /// Who speaks.
        fence: Fence,
        /// Length of the renewed lease.
        lease_ms: u64,
        /// The deadline becomes this if it is earlier: a long film gets more time than a short one.
        deadline_min: Option<Timestamp>,
    },
    /// Its worker stored and verified all outputs.
    Finish {
        /// Who speaks.
        fence: Fence,
    },
    /// Its worker gives up this attempt.
    Fail {
        /// Who speaks.
        fence: Fence,
        /// Whether another attempt can help.
        class: FailureClass,
        /// Randomness for the retry delay.
        jitter: u64,
    },
    /// Its worker must stop and gives the attempt back.
    Release {
        /// Who speaks.
        fence: Fence,
    },
    /// Its owner stops it.
    Cancel,
    /// The sweeper looks at the clock.
    Expire,
    /// Somebody wants it tried afresh.
    Redrive {
        /// The new deadline.
        deadline: Timestamp,
    },
}

/// What an accepted command did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An attempt began.
    Claimed,
    /// The lease is longer.
    Renewed,
    /// The job is done.
    Succeeded,
    /// This attempt is over; another comes at `run_at`. `None`: as the worker reported.
    Retried(Option<ErrorCode>),
    /// The job is over. `None`: as the worker reported.
    Failed(Option<ErrorCode>),
    /// The attempt was given back.
    Released,
    /// The owner stopped it.
    Cancelled,
    /// It starts afresh.
    Redriven,
}

/// Why a command changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Its time has not come.
    #[error("job is not due")]
    NotDue,
    /// Another attempt holds it.
    #[error("job is running elsewhere")]
    Busy,
    /// The speaker is not the current attempt.
    #[error("lease is stale")]
    Stale,
    /// It has ended.
    #[error("job has ended")]
    Ended,
    /// Only a failed or cancelled job starts afresh.
    #[error("job cannot be redriven")]
    NotRedrivable,
}

impl Rejected {
    /// Code for the wire.
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

/// Decides what `command` does to `job` at `now`.
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
        Command::Expire => Ok(vanish(job, now)),
        Command::Redrive { .. } => Err(Rejected::NotRedrivable),
    }
}

/// Invariant: a renewal shortens neither a lease nor a deadline.
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

/// The worker vanished. That already cost a whole lease: the next attempt may start at once.
fn vanish(job: &Job, now: Timestamp) -> (Job, Outcome) {
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
