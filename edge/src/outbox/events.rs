//! Events to their hubs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use shared::time::Timestamp;
use worker::Delay;

use crate::app::App;
use crate::clock;
use crate::db::events::{self, EventRow, READ_MAX};
use crate::error::{Error, Result};
use crate::hub::{self, Append};

/// Appends the given events, the oldest that wait for `hub`, to its log.
///
/// # Errors
/// When the hub or the database fails.
pub(crate) async fn publish(app: &App, hub: &str, rows: &[EventRow]) -> Result<()> {
    let Some(last) = rows.last() else {
        return Ok(());
    };
    hub::append(app, hub, appends(rows)?).await?;
    events::delete_up_to(&app.db()?, hub, last.id).await
}

fn appends(rows: &[EventRow]) -> Result<Vec<Append>> {
    rows.iter()
        .map(|row| Append::stored(&row.payload))
        .collect()
}

/// Publishes all events that wait for `hub`.
///
/// # Errors
/// When the hub or the database fails.
pub(crate) async fn publish_all(app: &App, hub: &str) -> Result<()> {
    loop {
        let rows = events::of_hub(&app.db()?, hub).await?;
        publish(app, hub, &rows).await?;
        if rows.len() < READ_MAX {
            return Ok(());
        }
    }
}

/// What the requests of this isolate left to publish.
#[derive(Default)]
struct Pending {
    /// By hub.
    rows: BTreeMap<String, Vec<EventRow>>,
    /// Until when the request that publishes for all is trusted to do so; `None` when there is no such request.
    publisher_until: Option<Timestamp>,
}

thread_local! {
    static PENDING: RefCell<Pending> = RefCell::new(Pending::default());
}

/// Pause between two rounds. With it a burst of events costs two calls in total instead of two calls per event. Nobody
/// waits for these events: whoever caused one already has the response.
const ROUND_PAUSE: Duration = Duration::from_millis(200);

/// How long one request publishes for others. The platform lets work continue for 30 s after a response.
const PUBLISHER_MS: u64 = 3_000;

/// After this time without a new round the publisher was cut off together with its request, and the next request replaces it.
const PUBLISHER_LOST_MS: u64 = 5_000;

/// Publishes `row`, an event that its request has written for `hub`, in the background, together with those that other requests
/// of this isolate leave meanwhile. No request waits for another: when there is a publisher already, only the row is left to it.
///
/// Only for the first event of an asset: it does not read what else waits for the hub, so it must not overtake anything. A
/// later event of the asset does read it, and a hub stores each event once.
pub(crate) fn publish_soon(app: &App, hub: String, row: EventRow) {
    let now = clock::now();
    let has_publisher = PENDING.with_borrow_mut(|pending| {
        pending.rows.entry(hub).or_default().push(row);
        let has_publisher = pending.publisher_until.is_some_and(|until| now < until);
        if !has_publisher {
            pending.publisher_until = Some(now.plus_ms(PUBLISHER_LOST_MS));
        }
        has_publisher
    });
    if !has_publisher {
        let background = app.clone();
        app.afterwards(async move { publish_rounds(&background, now).await });
    }
}

/// The work of the publisher that began at `since`.
async fn publish_rounds(app: &App, since: Timestamp) {
    loop {
        let (rows, is_last) = PENDING.with_borrow_mut(|pending| {
            let is_last = pending.rows.is_empty() || clock::now().ms_since(since) > PUBLISHER_MS;
            if is_last {
                // The next request becomes the publisher.
                pending.publisher_until = None;
            }
            (std::mem::take(&mut pending.rows), is_last)
        });
        if !rows.is_empty()
            && let Err(error) = publish_rows(app, &rows).await
        {
            warn(&error);
        }
        if is_last {
            return;
        }
        if PENDING.with_borrow(|pending| !pending.rows.is_empty()) {
            Delay::from(ROUND_PAUSE).await;
        }
    }
}

/// Publishes the events of several hubs: one call per hub, and one statement that deletes the rows.
async fn publish_rows(app: &App, rows: &BTreeMap<String, Vec<EventRow>>) -> Result<()> {
    let calls = rows.iter().map(|(hub, rows)| append(app, hub, rows));
    let published: Vec<u64> = join_all(calls).await.into_iter().flatten().collect();
    events::delete(&app.db()?, &published).await
}

/// Appends events to one hub; returns the ids of the rows that can be deleted.
async fn append(app: &App, hub: &str, rows: &[EventRow]) -> Vec<u64> {
    let appended = async { hub::append(app, hub, appends(rows)?).await };
    match appended.await {
        Ok(()) => rows.iter().map(|row| row.id).collect(),
        Err(error) => {
            warn(&error);
            Vec::new()
        }
    }
}

fn warn(error: &Error) {
    worker::console_warn!("events not published: {error:?}; the sweeper will publish them");
}
