//! The queue's consumer. A message is a hint: it is acknowledged whatever becomes of the job, because the database knows
//! the rest; it is retried only when this isolate could not even look at the job.

use shared::message::Message;
use worker::{Context, Env, MessageBatch, MessageExt as _, QueueRetryOptionsBuilder, RawMessage};

use crate::app::App;
use crate::codec::Codec;
use crate::error::Error;
use crate::image_job;

/// A message that found the codec busy, or the database away, comes back after this time.
const RETRY_S: u32 = 1;

/// What becomes of a message.
enum Fate {
    Ack,
    Retry,
}

/// Consumes a batch. Never fails as a whole: each message has its own fate.
pub(crate) async fn consume(batch: &MessageBatch<String>, env: Env, context: Context) {
    let app = match App::new(env, context) {
        Ok(app) => app,
        Err(error) => {
            worker::console_error!("queue: {error:?}");
            batch.retry_all();
            return;
        }
    };
    for message in batch.raw_iter() {
        match fate(&app, &message).await {
            Fate::Ack => message.ack(),
            Fate::Retry => message.retry_with_options(
                &QueueRetryOptionsBuilder::new()
                    .with_delay_seconds(RETRY_S)
                    .build(),
            ),
        }
    }
}

async fn fate(app: &App, raw: &RawMessage) -> Fate {
    let Some(message) = raw.body().as_string().as_deref().and_then(Message::decode) else {
        worker::console_error!(
            "queue: a message of no known form was dropped message.id={}",
            raw.id()
        );
        return Fate::Ack;
    };
    let Some(codec) = Codec::acquire() else {
        return Fate::Retry;
    };
    match image_job::work(app, &codec, message.job_id).await {
        Ok(()) => Fate::Ack,
        // Not due, running elsewhere, ended, or gone: nothing to do for this message.
        Err(Error::Problem(failure)) => {
            worker::console_debug!(
                "queue: job not taken job.id={} code={}",
                message.job_id,
                failure.code.as_str()
            );
            Fate::Ack
        }
        Err(error) => {
            worker::console_error!("queue: {error:?} job.id={}", message.job_id);
            Fate::Retry
        }
    }
}
