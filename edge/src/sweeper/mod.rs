//! Waking the sweeper object.

pub(crate) mod object;
mod sweep;

use std::cell::Cell;

use shared::time::Timestamp;
use worker::Env;

use crate::clock;

/// Name of the only sweeper.
const NAME: &str = "sweeper";

/// An isolate wakes the sweeper at most this often. The sweeper stays awake for 60 s, so under load it never sleeps.
const WAKE_EVERY_MS: u64 = 20_000;

thread_local! {
    static WOKEN_AT: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// Makes sure that the sweeper is awake. To be called before work that depends on the sweeper is written.
pub(crate) async fn wake(env: &Env) {
    let now = clock::now();
    if WOKEN_AT
        .get()
        .is_some_and(|at| now.ms_since(at) < WAKE_EVERY_MS)
    {
        return;
    }
    let woken = async {
        env.durable_object("SWEEPER")?
            .get_by_name(NAME)?
            .fetch_with_str("http://sweeper/wake")
            .await
    };
    match woken.await {
        Ok(_) => WOKEN_AT.set(Some(now)),
        Err(error) => worker::console_warn!("sweeper not woken: {error}"),
    }
}
