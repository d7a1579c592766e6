//! Whether the edge of this start answers.

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use super::log;
use super::stop::Stop;

/// Time in which the edge must answer after its start, with other builds and stacks on the same cores.
const READY_DEADLINE: Duration = Duration::from_secs(90);
/// Longest wait for one answer: the first one of a start compiles the scripts.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
const INTERVAL: Duration = Duration::from_millis(50);
/// A wrangler that could not start the scripts logs that and waits for a change of the files: there is no use waiting with it.
const ERROR_GRACE: Duration = Duration::from_secs(5);
const ERROR_WORD: &str = "[ERROR]";

/// Waits until this start of the edge answers.
///
/// Trap: an orphan of an earlier start may hold the port and answer as well; the nonce distinguishes them.
pub(super) fn wait_ready(
    origin: &str,
    nonce: &str,
    child: &mut Child,
    log: &Path,
    stop: &Stop,
) -> Result<()> {
    let started = Instant::now();
    let mut error_at: Option<Instant> = None;
    while !is_ready(origin, nonce, PROBE_TIMEOUT) {
        stop.check()?;
        if let Ok(Some(status)) = child.try_wait() {
            bail!(
                "wrangler ended ({status}) before the edge was ready\n{}",
                log::tail(log)
            );
        }
        let has_error = || std::fs::read_to_string(log).is_ok_and(|text| text.contains(ERROR_WORD));
        if error_at.is_none() && has_error() {
            error_at = Some(Instant::now());
        }
        if error_at.is_some_and(|at| at.elapsed() > ERROR_GRACE) {
            bail!("wrangler cannot start the edge\n{}", log::tail(log));
        }
        if started.elapsed() > READY_DEADLINE {
            bail!(
                "the edge was not ready after {} s: {origin}/version must answer with the nonce of this start and \
                 {origin}/readyz with 200\n{}",
                READY_DEADLINE.as_secs(),
                log::tail(log)
            );
        }
        std::thread::sleep(INTERVAL);
    }
    Ok(())
}

/// Asks once whether the edge of this start answers and is ready.
pub(super) fn is_ready(origin: &str, nonce: &str, timeout: Duration) -> bool {
    let version = client::probe(&format!("{origin}/version"), timeout)
        .and_then(|mut answer| answer.body_mut().read_to_string().ok())
        .and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let is_ours =
        version.is_some_and(|version| version.get("nonce").and_then(Value::as_str) == Some(nonce));
    is_ours && client::probe(&format!("{origin}/readyz"), timeout).is_some()
}
