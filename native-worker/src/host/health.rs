//! [`Health`]: the state of everything that the worker depends on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::host::clock::uptime;
use crate::host::tools::Tools;

/// The edge must have answered within this time. An idle worker calls it every 20–30 s.
const EDGE_SILENCE_MAX: Duration = Duration::from_secs(90);

/// How long the queue may be unavailable, once a pull has succeeded: longer than a restart of the edge.
const QUEUE_OUTAGE_MAX: Duration = Duration::from_mins(1);

/// The last known state of tools, buckets and edge.
#[derive(Debug, Default)]
pub struct Health(Mutex<Parts>);

#[derive(Debug, Default)]
struct Parts {
    edge_at: Option<Duration>,
    edge: Option<Result<(), String>>,
    buckets: Option<Result<(), String>>,
    tools: Option<Result<Tools, String>>,
    sandbox: Option<Result<(), String>>,
    pulls: Pulls,
    is_drained: bool,
}

/// The latest result of pulls.
#[derive(Debug, Default)]
enum Pulls {
    /// Nothing has been pulled yet.
    #[default]
    Untested,
    /// The latest pull succeeded.
    Work,
    /// Pulls fail.
    Fail {
        /// Cause of the latest failure.
        why: String,
        /// When the worker stops being ready because of it.
        reported_from: Duration,
    },
}

impl Health {
    /// Notes that the edge has answered.
    pub(crate) fn edge_answered(&self) {
        self.parts().edge_at = Some(uptime());
    }

    /// Sets whether the edge accepted the registration.
    pub(crate) fn set_registered(&self, registered: Result<(), String>) {
        self.parts().edge = Some(registered);
    }

    /// Sets whether an admin has drained this worker.
    pub(crate) fn set_drained(&self, is_drained: bool) {
        self.parts().is_drained = is_drained;
    }

    pub(crate) fn set_buckets(&self, buckets: Result<(), String>) {
        self.parts().buckets = Some(buckets);
    }

    pub(crate) fn set_tools(&self, tools: Result<Tools, String>) {
        self.parts().tools = Some(tools);
    }

    /// Sets whether children can be started in their sandbox.
    pub(crate) fn set_sandbox(&self, sandbox: Result<(), String>) {
        self.parts().sandbox = Some(sandbox);
    }

    /// Notes a successful pull.
    pub(crate) fn pull_succeeded(&self) {
        let mut parts = self.parts();
        parts.edge_at = Some(uptime());
        parts.pulls = Pulls::Work;
    }

    /// Notes a failed pull. If the failure is temporary and pulls have worked before, the worker stays ready for a while.
    pub(crate) fn pull_failed(&self, why: String, is_temporary: bool) {
        let now = uptime();
        let mut parts = self.parts();
        let reported_from = match &parts.pulls {
            Pulls::Work if is_temporary => now + QUEUE_OUTAGE_MAX,
            Pulls::Fail { reported_from, .. } if is_temporary => *reported_from,
            Pulls::Untested | Pulls::Work | Pulls::Fail { .. } => now,
        };
        parts.pulls = Pulls::Fail { why, reported_from };
    }

    /// Why pulls do not work; `None` if they do.
    fn pull_fault(&self) -> Option<String> {
        match &self.parts().pulls {
            Pulls::Untested => Some("the queue has not been tested yet".to_owned()),
            Pulls::Work => None,
            Pulls::Fail { why, reported_from } => {
                (uptime() >= *reported_from).then(|| format!("pulls from the queue fail: {why}"))
            }
        }
    }

    /// ffmpeg and its encoders, once they have been tested.
    pub(crate) fn tools(&self) -> Option<Tools> {
        match &self.parts().tools {
            Some(Ok(tools)) => Some(tools.clone()),
            Some(Err(_)) | None => None,
        }
    }

    /// The reasons why the worker is not ready; empty if it is. These are all obstacles and failing pulls.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.obstacles();
        faults.extend(self.pull_fault());
        faults
    }

    /// The reasons not to pull; empty if there are none.
    #[must_use]
    pub fn obstacles(&self) -> Vec<String> {
        let parts = self.parts();
        let mut obstacles = Vec::new();
        let mut part = |what: &str, state: Option<Result<(), &str>>| match state {
            Some(Ok(())) => {}
            Some(Err(why)) => obstacles.push(why.to_owned()),
            None => obstacles.push(format!("{what} not been tested yet")),
        };
        part("ffmpeg has", outcome(parts.tools.as_ref()));
        part("the sandbox has", outcome(parts.sandbox.as_ref()));
        part("the buckets have", outcome(parts.buckets.as_ref()));
        part("the edge has", outcome(parts.edge.as_ref()));
        let silence = parts.edge_at.map(|at| uptime().saturating_sub(at));
        if let Some(silence) = silence.filter(|silence| *silence > EDGE_SILENCE_MAX) {
            let seconds = silence.as_secs();
            obstacles.push(format!("the edge has not answered for {seconds} s"));
        }
        if parts.is_drained {
            obstacles.push("an admin has drained this worker".to_owned());
        }
        obstacles
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn outcome<T>(state: Option<&Result<T, String>>) -> Option<Result<(), &str>> {
    state.map(|state| state.as_ref().map(|_| ()).map_err(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_pulls_are_a_fault_but_no_obstacle() {
        let health = Health::default();
        let is_fault = || health.pull_fault().is_some();
        assert!(is_fault(), "untested");
        let fail = |is_temporary| health.pull_failed("no".to_owned(), is_temporary);
        // Pulls have never worked.
        fail(true);
        assert!(is_fault());
        health.pull_succeeded();
        assert!(!is_fault());
        // A short outage.
        fail(true);
        fail(true);
        assert!(!is_fault());
        fail(false);
        assert!(is_fault());
        fail(true);
        assert!(is_fault());
        health.pull_succeeded();
        assert!(!is_fault());
        fail(false);
        let fault = "pulls from the queue fail: no".to_owned();
        assert!(health.faults().contains(&fault));
        assert!(!health.obstacles().contains(&fault));
    }
}
