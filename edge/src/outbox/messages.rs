//! Messages to the queue.

use shared::message::Message;
use shared::time::Timestamp;
use worker::{QueueContentType, RawMessageBuilder};

use crate::app::App;
use crate::clock;
use crate::db;
use crate::error::Result;

/// Longest delay of a message: 12 hours (Cloudflare Queues, "Limits").
const DELAY_MAX_S: u64 = 43_200;

/// Sends a message, so that it arrives when its job is due.
///
/// # Errors
/// When the queue or the database fails.
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
    db::messages::mark_sent(&app.db()?, message.job_id, now.max(due)).await
}
