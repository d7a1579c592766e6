//! [`Health`]: the state of everything that the worker depends on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::host::clock::uptime;
use crate::host::tools::Tools;

/// The edge must have answered within this time. An idle worker calls it every 20–30 s.
const EDGE_SILENCE_MAX: Duration = Duration::from_secs(90);

/// The last known state of tools, buckets and edge.
#[derive(Debug, Default)]
pub struct Health(Mutex<Parts>);

#[derive(Debug, Default)]
struct Parts {
    edge_at: Option<Duration>,
    edge: Option<Result<(), String>>,
    buckets: Option<Result<(), String>>,
    tools: Option<Result<Tools, String>>,
    is_drained: bool,
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

    /// ffmpeg and its encoders, once they have been tested.
    pub(crate) fn tools(&self) -> Option<Tools> {
        match &self.parts().tools {
            Some(Ok(tools)) => Some(tools.clone()),
            Some(Err(_)) | None => None,
        }
    }

    /// The reasons why the worker cannot work; empty if it can.
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
