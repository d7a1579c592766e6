//! What somebody wants of a job.

use shared::job::{Facts, FailureClass, Fence};
use shared::kind::RunsOn;
use shared::problem::Failure;
use shared::time::Timestamp;

use crate::db::attempts::Early;
use crate::storage::output::StoredOutput;

/// A command to the state machine, together with what the database has to store about it.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// `worker` claims it, if it runs where the worker does.
    Claim {
        worker: String,
        runs_on: RunsOn,
        token: String,
        nonce: u64,
    },
    /// Its worker is alive.
    Heartbeat {
        fence: Fence,
        /// The deadline moves to this time if it is earlier.
        deadline_min: Option<Timestamp>,
        /// What is playable already.
        early: Option<Early>,
    },
    /// Its worker stored and verified all outputs.
    Finish { fence: Fence, made: Made },
    /// Its worker gives up this attempt.
    Fail {
        fence: Fence,
        class: FailureClass,
        failure: Failure,
        peak_memory_bytes: Option<u64>,
    },
    /// Its worker gives the attempt back.
    Release { fence: Fence },
    /// The edge cannot do it but a native worker may: gives the attempt back and queues the job for native workers.
    HandOver {
        fence: Fence,
        failure: Failure,
        peak_memory_bytes: Option<u64>,
    },
    /// Its owner cancels it.
    Cancel,
    /// Its lease or its deadline may have passed.
    Expire,
    /// Somebody wants it to start again.
    Redrive,
}

/// What an attempt made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) outputs: Vec<StoredOutput>,
    pub(crate) facts: Facts,
    pub(crate) peak_memory_bytes: Option<u64>,
    /// What was found out, as JSON.
    pub(crate) report: Option<String>,
}

impl Change {
    /// Why the attempt did not succeed, if its worker said so.
    pub(super) const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Fail { failure, .. } | Self::HandOver { failure, .. } => Some(failure),
            Self::Claim { .. }
            | Self::Heartbeat { .. }
            | Self::Finish { .. }
            | Self::Release { .. }
            | Self::Cancel
            | Self::Expire
            | Self::Redrive => None,
        }
    }

    /// What the attempt made.
    pub(super) const fn made(&self) -> Option<&Made> {
        match self {
            Self::Finish { made, .. } => Some(made),
            Self::Claim { .. }
            | Self::Heartbeat { .. }
            | Self::Fail { .. }
            | Self::Release { .. }
            | Self::HandOver { .. }
            | Self::Cancel
            | Self::Expire
            | Self::Redrive => None,
        }
    }

    /// Largest memory of the attempt, in bytes.
    pub(super) const fn peak_memory_bytes(&self) -> Option<u64> {
        match self {
            Self::Finish { made, .. } => made.peak_memory_bytes,
            Self::Fail {
                peak_memory_bytes, ..
            }
            | Self::HandOver {
                peak_memory_bytes, ..
            } => *peak_memory_bytes,
            Self::Claim { .. }
            | Self::Heartbeat { .. }
            | Self::Release { .. }
            | Self::Cancel
            | Self::Expire
            | Self::Redrive => None,
        }
    }
}
