//! The sweeper: one Durable Object whose alarm runs [`sweep::run`] whenever something is due. An alarm survives a power cut and
//! also fires in local development. It is set before the work that depends on it is written.

use std::time::Duration;

use shared::time::Timestamp;
use worker::wasm_bindgen;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::sweep;
use crate::app::App;
use crate::clock;

/// After it was woken it looks again this often for this long, even if nothing is due: the work for which it was woken may not be
/// in the database yet.
const WATCH_EVERY_MS: u64 = 5_000;
const WATCH_MS: u64 = 60_000;

/// Least time between two sweeps.
const PAUSE_MIN_MS: u64 = 1_000;

/// See the module.
#[durable_object(alarm)]
pub struct Sweeper {
    state: State,
    env: Env,
}

impl Sweeper {
    async fn set_alarm(&self, delay_ms: u64) -> Result<()> {
        self.state
            .storage()
            .set_alarm(Duration::from_millis(delay_ms))
            .await
    }

    /// Whether it was woken so recently that work may still be on its way into the database.
    async fn watches(&self, now: Timestamp) -> Result<bool> {
        let woken: Option<u64> = self.state.storage().get("woken_at").await?;
        Ok(woken.is_some_and(|at| now.ms_since(Timestamp::from_ms(at)) < WATCH_MS))
    }

    async fn sweep(&self) -> Result<()> {
        let next = match App::in_object(self.env.clone()) {
            Ok(app) => sweep::run(&app).await,
            Err(error) => Err(error),
        };
        let now = clock::now();
        let watch = self.watches(now).await?.then_some(WATCH_EVERY_MS);
        let pause = match next {
            Ok(next) => next.map(|due| due.ms_since(now).max(PAUSE_MIN_MS)),
            Err(error) => {
                worker::console_error!("sweep: {error:?}");
                Some(WATCH_EVERY_MS)
            }
        };
        match pause.into_iter().chain(watch).min() {
            Some(pause) => self.set_alarm(pause).await,
            None => Ok(()),
        }
    }
}

impl DurableObject for Sweeper {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, _request: Request) -> Result<Response> {
        let now = clock::now();
        self.state.storage().put("woken_at", now.ms()).await?;
        let alarm = self
            .state
            .storage()
            .get_alarm()
            .await?
            .and_then(|at| u64::try_from(at).ok());
        if alarm.is_none_or(|at| at > now.plus_ms(WATCH_EVERY_MS).ms()) {
            self.set_alarm(WATCH_EVERY_MS).await?;
        }
        Response::empty()
    }

    async fn alarm(&self) -> Result<Response> {
        if let Err(error) = self.sweep().await {
            // No next alarm is set, but the runtime retries an alarm that fails.
            worker::console_error!("sweeper: {error}");
            return Err(error);
        }
        Response::empty()
    }
}
