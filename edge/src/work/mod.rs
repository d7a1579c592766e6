//! The queue's consumer: works on what the edge works on, and hands the rest to the dispatch object, where native workers
//! pull. A message is a hint: it is acknowledged whatever becomes of the job, because the database knows
//! the rest; it is retried only when this isolate could not even look at the job.

mod codec;
mod image;

use shared::kind::RunsOn;
use shared::message::Message;
use worker::{Context, Env, MessageBatch, MessageExt as _, QueueRetryOptionsBuilder, RawMessage};

use crate::app::App;
use crate::db::outbox;
use crate::error::Error;
use crate::work::codec::Codec;
use crate::{clock, dispatch};

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
    match message.runs_on {
        RunsOn::Edge => work(app, message).await,
        RunsOn::Native => hand_over(app, message).await,
    }
}

/// Leaves the message where native workers pull. From then on it is durable there, so the sweeper can be patient.
async fn hand_over(app: &App, message: Message) -> Fate {
    let handed = async {
        dispatch::push(app, message).await?;
        outbox::mark_dispatched(&app.db()?, message.job_id, clock::now()).await
    };
    match handed.await {
        Ok(()) => Fate::Ack,
        Err(error) => {
            worker::console_error!("queue: {error:?} job.id={}", message.job_id);
            Fate::Retry
        }
    }
}

async fn work(app: &App, message: Message) -> Fate {
    let Some(codec) = Codec::acquire() else {
        return Fate::Retry;
    };
    match image::work(app, &codec, message.job_id).await {
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
