//! From the outboxes to the outside: events to their hub, messages to the queue.

use std::cell::RefCell;
use std::collections::HashMap;

use futures_util::future::join;
use shared::id::JobId;
use shared::message::Message;
use shared::time::Timestamp;
use worker::{QueueContentType, RawMessageBuilder};

use crate::app::App;
use crate::clock;
use crate::db::outbox::{self, EventRow};
use crate::error::{Error, Result};
use crate::hub::{self, Append};
use crate::jobs::Effects;

/// Longest delay that the queue takes: 12 hours (Queues limits).
const DELAY_MAX_S: u64 = 43_200;

/// Carries out the effects of a change. A failure is only logged: the outboxes still hold the work, and the sweeper does it.
pub(crate) async fn settle(app: &App, effects: Effects) {
    let told = async {
        if let Err(error) = tell(app, &effects.hub, &effects.events).await {
            log(&error, "events wait for the sweeper");
        }
    };
    let sent = async {
        if let Some((job, due)) = effects.message
            && let Err(error) = send(app, job, due).await
        {
            log(&error, "a message waits for the sweeper");
        }
    };
    join(told, sent).await;
}

fn log(error: &Error, consequence: &str) {
    worker::console_warn!("delivery failed: {error:?}; {consequence}");
}

/// Tells `hub` the given events of its outbox, which are its oldest.
async fn tell(app: &App, hub: &str, events: &[EventRow]) -> Result<()> {
    let Some(last) = events.last() else {
        return Ok(());
    };
    let appends = events
        .iter()
        .map(|event| Append::stored(&event.payload))
        .collect::<Result<Vec<_>>>()?;
    hub::append(app, hub, &appends).await?;
    outbox::forget_events(&app.db()?, hub, last.id).await
}

/// Tells `hub` everything that waits for it.
pub(crate) async fn tell_all(app: &App, hub: &str) -> Result<()> {
    loop {
        let events: Vec<EventRow> = outbox::select_events(&app.db()?, hub)?
            .all()
            .await?
            .results()?;
        tell(app, hub, &events).await?;
        if events.len() < outbox::EVENTS_PER_CALL {
            return Ok(());
        }
    }
}

thread_local! {
    /// Hubs that this isolate is telling: since when, and whether more came meanwhile.
    static TELLING: RefCell<HashMap<String, (Timestamp, bool)>> = RefCell::new(HashMap::new());
}

/// A telling that takes longer than this was cut off with its request; the next one starts over.
const TELLING_MAX_MS: u64 = 5_000;

/// Tells `hub` what waits for it, together with whatever other requests of this isolate write meanwhile. Nobody waits for
/// another request: whoever finds a telling under way leaves a mark, and its owner goes round once more.
pub(crate) async fn tell_soon(app: &App, hub: String) {
    let now = clock::now();
    let under_way = TELLING.with_borrow_mut(|telling| match telling.get_mut(&hub) {
        Some((since, more)) if now.ms_since(*since) < TELLING_MAX_MS => {
            *more = true;
            true
        }
        Some(_) | None => {
            telling.insert(hub.clone(), (now, false));
            false
        }
    });
    if under_way {
        return;
    }
    loop {
        if let Err(error) = tell_all(app, &hub).await {
            log(&error, "events wait for the sweeper");
        }
        let more = TELLING.with_borrow_mut(|telling| {
            telling
                .get_mut(&hub)
                .is_some_and(|(_, more)| std::mem::take(more))
        });
        if !more {
            TELLING.with_borrow_mut(|telling| telling.remove(&hub));
            return;
        }
    }
}

/// Sends the message of `job`, so that it arrives when the job is due.
pub(crate) async fn send(app: &App, job: JobId, due: Timestamp) -> Result<()> {
    let now = clock::now();
    let faults = &app.config.faults;
    let shuffle_s = if faults.queue_shuffle {
        clock::random_u64() % 3
    } else {
        0
    };
    let delay_s = due.ms_since(now).div_ceil(1_000).min(DELAY_MAX_S) + shuffle_s;
    let copies = match (faults.queue_drop, faults.queue_double) {
        (true, _) if clock::random_u64().is_multiple_of(2) => 0,
        (_, true) => 2,
        (_, false) => 1,
    };
    for _ in 0..copies {
        let message = RawMessageBuilder::new(Message::new(job).encode().into())
            .delay_seconds(u32::try_from(delay_s).unwrap_or(u32::MAX))
            .build_with_content_type(QueueContentType::Text);
        app.env.queue("JOBS")?.send_raw(message).await?;
    }
    outbox::mark_sent(&app.db()?, job, now.max(due)).await
}
