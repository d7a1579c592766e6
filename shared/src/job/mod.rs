//! Job: work on an asset. Its whole life is [`step`]: pure data in, pure data out. Every change of a job in the
//! database is one accepted `step`; the printed table of all states and commands is the snapshot
//! `tests/it/snapshots/…transition_table.snap`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::asset::AssetState;
use crate::kind::AssetKind;
use crate::kind::RunsOn;
use crate::problem::ErrorCode;
use crate::time::Timestamp;
use crate::words::words;

mod view;

pub use view::{Attempt, JobView, Progress, RETRY, RenditionProgress};

words! {
    /// What a job does.
    JobKind {
        /// Makes the WebP variants of an image.
        ProcessImage = "process_image",
        /// Makes the renditions of a film.
        ProcessVideo = "process_video",
        /// Makes the rendition of sound.
        ProcessAudio = "process_audio",
    }
}

impl JobKind {
    /// What is done with an asset of this kind; `None`: it is only stored.
    #[must_use]
    pub const fn of(kind: AssetKind) -> Option<Self> {
        match kind {
            AssetKind::Image => Some(Self::ProcessImage),
            AssetKind::Video => Some(Self::ProcessVideo),
            AssetKind::Audio => Some(Self::ProcessAudio),
            AssetKind::Document | AssetKind::Package => None,
        }
    }
}

words! {
    /// Where a job stands, as one word.
    JobState {
        /// Waits for a worker.
        Queued = "queued",
        /// A worker holds the lease.
        Running = "running",
        /// All outputs are published.
        Succeeded = "succeeded",
        /// No further attempt will be made: the dead letters.
        Failed = "failed",
        /// Its owner stopped it.
        Cancelled = "cancelled",
    }
}

/// Attempts after the first that a job gets; a release does not count, nor does a native worker that vanished.
pub const RETRIES_MAX: u32 = 3;

/// Native workers that a job may lose before it counts as the cause. Machines come and go; what a film does to its decoder
/// kills the decoder's own process, not the worker.
pub const LOSSES_MAX: u32 = 15;

/// First ceiling of the retry delay; it doubles with each failure.
pub const BACKOFF_BASE_MS: u64 = 5_000;

/// Last ceiling of the retry delay.
pub const BACKOFF_MAX_MS: u64 = 900_000;

/// Default lease of an image job. A worker renews it when it is 10 s old and its longest step without a
/// renewal (one decode) takes about 2 s; a short lease makes the recovery from a power cut short.
pub const IMAGE_LEASE_MS: u64 = 30_000;

/// Default time from creation to the deadline: 30 minutes.
pub const DEADLINE_MS: u64 = 1_800_000;

/// A film gets this many times its duration, if that is longer than [`DEADLINE_MS`].
pub const DEADLINE_DURATIONS: u64 = 6;

/// The earliest deadline of an attempt that began at `started` on a film or sound of this duration. Each attempt has as much:
/// there are few of them.
#[must_use]
pub fn deadline_min(started: Timestamp, duration_ms: u64) -> Timestamp {
    let needed = duration_ms.saturating_mul(DEADLINE_DURATIONS);
    started.plus_ms(needed.max(DEADLINE_MS))
}

/// SHA-256 of a lease token, base64url. The database holds only this; the token is the worker's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseHash(String);

impl LeaseHash {
    /// Hash of a lease token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes())))
    }

    /// The hash as the database stored it.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// Text for the database.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a job stands, with what that state needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waits until `run_at` for a claim. Entered by creation, retry, release and redrive; left by claim, cancel or the deadline.
    Queued {
        /// Not to be claimed before.
        run_at: Timestamp,
    },
    /// One worker holds it. Entered by claim; left by finish, fail, release, cancel, or when the lease runs out.
    Running {
        /// Who holds it.
        lease: LeaseHash,
        /// Until when, unless renewed.
        lease_until: Timestamp,
    },
    /// Final.
    Succeeded,
    /// Final but for redrive.
    Failed,
    /// Final but for redrive.
    Cancelled,
}

impl State {
    /// The state as one word.
    #[must_use]
    pub const fn word(&self) -> JobState {
        match self {
            Self::Queued { .. } => JobState::Queued,
            Self::Running { .. } => JobState::Running,
            Self::Succeeded => JobState::Succeeded,
            Self::Failed => JobState::Failed,
            Self::Cancelled => JobState::Cancelled,
        }
    }
}

/// The part of a job that decides its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Where it stands.
    pub state: State,
    /// Grows with every claim and is never reset: half of the fence.
    pub attempt: u32,
    /// Where it is worked on.
    pub runs_on: RunsOn,
    /// Attempts that failed since creation or redrive; at the edge those that vanished, too.
    pub failures: u32,
    /// Attempts whose native worker vanished since creation or redrive.
    pub losses: u32,
    /// After this it is failed, whatever it is doing.
    pub deadline: Timestamp,
}

/// Proof of holding the current attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    /// Attempt that the speaker claimed.
    pub attempt: u32,
    /// Hash of the lease token that the claim handed out.
    pub lease: LeaseHash,
}

/// Whether another attempt can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// The input can never work.
    Permanent,
    /// Something around the input went wrong.
    Retryable,
}

impl FailureClass {
    /// Class of what went wrong while a picture was decoded and encoded: another attempt helps unless it is the file's fault.
    #[must_use]
    pub const fn of_codec(code: ErrorCode) -> Self {
        if matches!(
            code,
            ErrorCode::Internal | ErrorCode::Unavailable | ErrorCode::WorkerExhausted
        ) {
            Self::Retryable
        } else {
            Self::Permanent
        }
    }
}

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

/// Full jitter: a delay between 0 and a ceiling that doubles with each failure
/// (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
#[must_use]
pub fn backoff_ms(failures: u32, jitter: u64) -> u64 {
    let doublings = failures.saturating_sub(1).min(16);
    let ceiling = BACKOFF_BASE_MS
        .saturating_mul(1 << doublings)
        .min(BACKOFF_MAX_MS);
    jitter % (ceiling + 1)
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

/// The state of an asset whose job stands at `job`.
#[must_use]
pub const fn asset_state(job: JobState) -> AssetState {
    match job {
        JobState::Queued | JobState::Running => AssetState::Processing,
        JobState::Succeeded => AssetState::Ready,
        JobState::Failed | JobState::Cancelled => AssetState::Failed,
    }
}
