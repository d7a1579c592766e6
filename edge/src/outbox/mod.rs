//! From the outboxes to the outside: events to their hub, messages to the queue.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::{join_all, join3};
use shared::message::Message;
use shared::time::Timestamp;
use worker::{Delay, QueueContentType, RawMessageBuilder};

use crate::app::App;
use crate::clock;
use crate::db::outbox::{self, EventRow};
use crate::dispatch;
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
        if let Some((message, due)) = effects.message
            && let Err(error) = send(app, message, due).await
        {
            log(&error, "a message waits for the sweeper");
        }
    };
    let forgotten = async {
        if let Some(job) = effects.dispatched
            && let Err(error) = dispatch::forget(app, job).await
        {
            log(&error, "a native worker will find that its job is taken");
        }
    };
    join3(told, sent, forgotten).await;
}

fn log(error: &Error, consequence: &str) {
    worker::console_warn!("delivery failed: {error:?}; {consequence}");
}

/// Tells `hub` the given events of its outbox, which are its oldest.
async fn tell(app: &App, hub: &str, events: &[EventRow]) -> Result<()> {
    let Some(last) = events.last() else {
        return Ok(());
    };
    hub::append(app, hub, &appends(events)?).await?;
    outbox::forget_events(&app.db()?, hub, last.id).await
}

fn appends(events: &[EventRow]) -> Result<Vec<Append>> {
    events
        .iter()
        .map(|event| Append::stored(&event.payload))
        .collect()
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

/// Events that the requests of this isolate have written and not told yet.
#[derive(Default)]
struct Waiting {
    hubs: BTreeSet<String>,
    /// Whether some request tells them, and until when it is believed to.
    teller_until: Option<Timestamp>,
}

thread_local! {
    static WAITING: RefCell<Waiting> = RefCell::new(Waiting::default());
}

/// Between two rounds of one teller: with it a burst costs three calls for all that came meanwhile instead of three for
/// each event. Nobody waits for these events: who caused them has the answer.
const ROUND_PAUSE: Duration = Duration::from_millis(200);

/// How long one request tells for others; far below the 30 s that the platform lets work go on after an answer.
const TELLER_MS: u64 = 3_000;

/// A teller that is not heard of for this long was cut off with its request; the next one starts over.
const TELLER_LOST_MS: u64 = 5_000;

/// Tells `hub` what waits for it, together with whatever other requests of this isolate write meanwhile. Nobody waits for
/// another request: whoever finds a teller at work leaves the hub's name, and the teller goes round once more.
///
/// Two tellers at once do no harm: each reads a beginning of what waits, and a hub takes every event once.
pub(crate) fn tell_soon(app: &App, hub: String) {
    let now = clock::now();
    let has_teller = WAITING.with_borrow_mut(|waiting| {
        waiting.hubs.insert(hub);
        let has_teller = waiting.teller_until.is_some_and(|until| now < until);
        if !has_teller {
            waiting.teller_until = Some(now.plus_ms(TELLER_LOST_MS));
        }
        has_teller
    });
    if !has_teller {
        let background = app.clone();
        app.afterwards(async move { tell_rounds(&background, now).await });
    }
}

/// The work of the teller that began at `since`.
async fn tell_rounds(app: &App, since: Timestamp) {
    loop {
        let (hubs, is_last) = WAITING.with_borrow_mut(|waiting| {
            let is_last = waiting.hubs.is_empty() || clock::now().ms_since(since) > TELLER_MS;
            if is_last {
                // Whoever comes from now on is the next teller.
                waiting.teller_until = None;
            }
            (std::mem::take(&mut waiting.hubs), is_last)
        });
        if !hubs.is_empty()
            && let Err(error) = tell_hubs(app, hubs).await
        {
            log(&error, "events wait for the sweeper");
        }
        if is_last {
            return;
        }
        if WAITING.with_borrow(|waiting| !waiting.hubs.is_empty()) {
            Delay::from(ROUND_PAUSE).await;
        }
    }
}

/// Tells each of `hubs` what waits for it: one query for all, one call per hub, one statement that forgets.
async fn tell_hubs(app: &App, hubs: BTreeSet<String>) -> Result<()> {
    let hubs: Vec<String> = hubs.into_iter().collect();
    loop {
        let events = outbox::events_of(&app.db()?, &hubs).await?;
        let count = events.len();
        let mut by_hub: BTreeMap<String, Vec<EventRow>> = BTreeMap::new();
        for (hub, event) in events {
            by_hub.entry(hub).or_default().push(event);
        }
        let calls = by_hub
            .iter()
            .map(|(hub, events)| hand_over(app, hub, events));
        let told: Vec<u64> = join_all(calls).await.into_iter().flatten().collect();
        let is_done = count < outbox::EVENTS_PER_CALL || told.is_empty();
        outbox::forget(&app.db()?, &told).await?;
        if is_done {
            return Ok(());
        }
    }
}

/// Tells one hub some events; gives those that it has.
async fn hand_over(app: &App, hub: &str, events: &[EventRow]) -> Vec<u64> {
    let told = async { hub::append(app, hub, &appends(events)?).await };
    match told.await {
        Ok(()) => events.iter().map(|event| event.id).collect(),
        Err(error) => {
            log(&error, "events wait for the sweeper");
            Vec::new()
        }
    }
}

/// Sends a message, so that it arrives when its job is due.
pub(crate) async fn send(app: &App, message: Message, due: Timestamp) -> Result<()> {
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
        let message = RawMessageBuilder::new(message.encode().into())
            .delay_seconds(u32::try_from(delay_s).unwrap_or(u32::MAX))
            .build_with_content_type(QueueContentType::Text);
        app.env.queue("JOBS")?.send_raw(message).await?;
    }
    outbox::mark_sent(&app.db()?, message.job_id, now.max(due)).await
}
