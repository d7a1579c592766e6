//! From the outboxes in the database to their destinations: events to their hub, messages to the queue.
//!
//! Invariant: nothing depends on a delivery here. The rows stay in the outboxes until it succeeded, and the sweeper repeats it.

pub(crate) mod events;
pub(crate) mod messages;

use futures_util::future::join3;
use shared::id::JobId;
use shared::message::Message;
use shared::time::Timestamp;

use crate::app::App;
use crate::db::events::EventRow;
use crate::dispatch;

/// What a write to the database leaves to deliver.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Hub that the events are for.
    pub(crate) hub: String,
    /// The oldest events that wait for it, in order.
    pub(crate) events: Vec<EventRow>,
    /// Message to send, and when it is due.
    pub(crate) message: Option<(Message, Timestamp)>,
    /// Job whose hint the dispatch object can forget.
    pub(crate) dispatched: Option<JobId>,
}

/// Delivers `effects`. A failure is only logged: the sweeper repeats the delivery.
pub(crate) async fn settle(app: &App, effects: Effects) {
    let published = async {
        if let Err(error) = events::publish(app, &effects.hub, &effects.events).await {
            worker::console_warn!("events not published: {error:?}; the sweeper will publish them");
        }
    };
    let sent = async {
        if let Some((message, due)) = effects.message
            && let Err(error) = messages::send(app, message, due).await
        {
            worker::console_warn!(
                "message not sent: {error:?}; the sweeper will send it job.id={}",
                message.job_id
            );
        }
    };
    let forgotten = async {
        if let Some(job) = effects.dispatched
            && let Err(error) = dispatch::forget(app, job).await
        {
            worker::console_warn!(
                "hint not forgotten: {error:?}; a native worker may get it in vain job.id={job}"
            );
        }
    };
    join3(published, sent, forgotten).await;
}
