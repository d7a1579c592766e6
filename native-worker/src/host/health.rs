//! What the worker knows of its surroundings, and whether it can work.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::host::clock::uptime;
use crate::host::tools::Tools;

/// The edge was reached "lately" within this: three times the longest silence of an idle worker.
const EDGE_LATELY: Duration = Duration::from_secs(90);

/// See the module.
#[derive(Debug, Default)]
pub struct Health(Mutex<Parts>);

#[derive(Debug, Default)]
struct Parts {
    edge_at: Option<Duration>,
    edge: Option<Result<(), String>>,
    buckets: Option<Result<(), String>>,
    tools: Option<Result<Tools, String>>,
    is_unwanted: bool,
}

impl Health {
    /// The edge answered.
    pub(crate) fn edge_answered(&self) {
        self.parts().edge_at = Some(uptime());
    }

    /// Whether the edge took the registration.
    pub(crate) fn set_registered(&self, registered: Result<(), String>) {
        self.parts().edge = Some(registered);
    }

    /// Whether an admin wants no new jobs here.
    pub(crate) fn set_unwanted(&self, is_unwanted: bool) {
        self.parts().is_unwanted = is_unwanted;
    }

    pub(crate) fn set_buckets(&self, buckets: Result<(), String>) {
        self.parts().buckets = Some(buckets);
    }

    pub(crate) fn set_tools(&self, tools: Result<Tools, String>) {
        self.parts().tools = Some(tools);
    }

    /// ffmpeg and its encoders, once they are proven.
    pub(crate) fn tools(&self) -> Option<Tools> {
        match &self.parts().tools {
            Some(Ok(tools)) => Some(tools.clone()),
            Some(Err(_)) | None => None,
        }
    }

    /// Why it cannot work; empty when it can.
    #[must_use]
    pub fn obstacles(&self) -> Vec<String> {
        let parts = self.parts();
        let mut obstacles = Vec::new();
        let mut part = |what: &str, state: Option<Result<(), &str>>| match state {
            Some(Ok(())) => {}
            Some(Err(why)) => obstacles.push(why.to_owned()),
            None => obstacles.push(format!("{what} not tested yet")),
        };
        part("ffmpeg is", word(parts.tools.as_ref()));
        part("the buckets are", word(parts.buckets.as_ref()));
        part("the edge is", word(parts.edge.as_ref()));
        let silence = parts.edge_at.map(|at| uptime().saturating_sub(at));
        if let Some(silence) = silence.filter(|silence| *silence > EDGE_LATELY) {
            let seconds = silence.as_secs();
            obstacles.push(format!("the edge has not answered for {seconds} s"));
        }
        if parts.is_unwanted {
            obstacles.push("an admin asked this worker to take no new jobs".to_owned());
        }
        obstacles
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn word<T>(state: Option<&Result<T, String>>) -> Option<Result<(), &str>> {
    state.map(|state| state.as_ref().map(|_| ()).map_err(String::as_str))
}
