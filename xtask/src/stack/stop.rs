//! The request to stop: SIGINT, SIGTERM or SIGHUP.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Set once the user wants the command to end.
#[derive(Debug, Clone)]
pub struct Stop {
    flag: Arc<AtomicBool>,
}

/// The error of a step that was interrupted by the request.
#[derive(Debug)]
pub(crate) struct Stopped;

impl fmt::Display for Stopped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("stopped on request")
    }
}

impl std::error::Error for Stopped {}

impl Stop {
    /// Listens for the signals from now on. A second one ends the process at once; the reaper does the rest.
    ///
    /// # Errors
    ///
    /// When the signal handlers cannot be installed.
    pub fn listen() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
                .context("cannot listen for signals")?;
        }
        Ok(Self { flag })
    }

    /// Whether a signal has come.
    pub(crate) fn is_set(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    /// The request as an error, for the middle of a longer step.
    ///
    /// # Errors
    ///
    /// When a signal has come.
    pub fn check(&self) -> Result<()> {
        if self.is_set() {
            Err(Stopped.into())
        } else {
            Ok(())
        }
    }
}
