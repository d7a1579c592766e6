//! Events to their hubs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
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
    hubs: BTreeSet<String>,
    /// Until when the request that publishes for all is trusted to do so; `None` when there is no such request.
    publisher_until: Option<Timestamp>,
}

thread_local! {
    static PENDING: RefCell<Pending> = RefCell::new(Pending::default());
}

/// Pause between two rounds. With it a burst of events costs three calls in total instead of three calls per event. Nobody
/// waits for these events: whoever caused one already has the response.
const ROUND_PAUSE: Duration = Duration::from_millis(200);

/// How long one request publishes for others. The platform lets work continue for 30 s after a response.
const PUBLISHER_MS: u64 = 3_000;

/// After this time without a new round the publisher was cut off together with its request, and the next request replaces it.
const PUBLISHER_LOST_MS: u64 = 5_000;

/// Publishes the events of `hub` in the background, together with those that other requests of this isolate write meanwhile.
/// No request waits for another: when there is a publisher already, only the name of the hub is left to it.
///
/// Two publishers at once do no harm: each reads the oldest events, and a hub stores each event once.
pub(crate) fn publish_soon(app: &App, hub: String) {
    let now = clock::now();
    let has_publisher = PENDING.with_borrow_mut(|pending| {
        pending.hubs.insert(hub);
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
        let (hubs, is_last) = PENDING.with_borrow_mut(|pending| {
            let is_last = pending.hubs.is_empty() || clock::now().ms_since(since) > PUBLISHER_MS;
            if is_last {
                // The next request becomes the publisher.
                pending.publisher_until = None;
            }
            (std::mem::take(&mut pending.hubs), is_last)
        });
        if !hubs.is_empty()
            && let Err(error) = publish_hubs(app, hubs).await
        {
            warn(&error);
        }
        if is_last {
            return;
        }
        if PENDING.with_borrow(|pending| !pending.hubs.is_empty()) {
            Delay::from(ROUND_PAUSE).await;
        }
    }
}

/// Publishes all events that wait for `hubs`: one query for all, one call per hub, one statement that deletes the rows.
async fn publish_hubs(app: &App, hubs: BTreeSet<String>) -> Result<()> {
    let hubs: Vec<String> = hubs.into_iter().collect();
    loop {
        let rows = events::of_hubs(&app.db()?, &hubs).await?;
        let count = rows.len();
        let mut by_hub: BTreeMap<String, Vec<EventRow>> = BTreeMap::new();
        for (hub, row) in rows {
            by_hub.entry(hub).or_default().push(row);
        }
        let calls = by_hub.iter().map(|(hub, rows)| append(app, hub, rows));
        let published: Vec<u64> = join_all(calls).await.into_iter().flatten().collect();
        let is_done = count < READ_MAX || published.is_empty();
        events::delete(&app.db()?, &published).await?;
        if is_done {
            return Ok(());
        }
    }
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
