//! The queue's consumer: runs the jobs of the edge, and passes messages about all others to the dispatch object, from which
//! native workers pull. A message is a hint. It is acknowledged whatever the result of the job is, because the database has the
//! state; it is retried only when this isolate could not look at the job.

mod codec;
mod image;

use shared::kind::RunsOn;
use shared::message::Message;
use worker::{Context, Env, MessageBatch, MessageExt as _, QueueRetryOptionsBuilder, RawMessage};

use self::codec::Codec;
use crate::app::App;
use crate::clock;
use crate::db::messages;
use crate::dispatch;
use crate::error::Error;

/// A message that cannot be worked on now, because the codec is busy or the database fails, is delivered again after this time.
const RETRY_S: u32 = 1;

/// How a message is settled.
enum Verdict {
    Ack,
    Retry,
}

/// Consumes a batch. Each message is settled by itself.
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
        match settle(&app, &message).await {
            Verdict::Ack => message.ack(),
            Verdict::Retry => message.retry_with_options(
                &QueueRetryOptionsBuilder::new()
                    .with_delay_seconds(RETRY_S)
                    .build(),
            ),
        }
    }
}

async fn settle(app: &App, raw: &RawMessage) -> Verdict {
    let Some(message) = raw.body().as_string().as_deref().and_then(Message::decode) else {
        worker::console_error!(
            "queue: a message of an unknown form was dropped message.id={}",
            raw.id()
        );
        return Verdict::Ack;
    };
    match message.runs_on {
        RunsOn::Edge => work(app, message).await,
        RunsOn::Native => hand_over(app, message).await,
    }
}

/// Passes the message to the dispatch object, which stores it durably.
async fn hand_over(app: &App, message: Message) -> Verdict {
    let handed = async {
        dispatch::push(app, message).await?;
        messages::mark_dispatched(&app.db()?, message.job_id, clock::now()).await
    };
    match handed.await {
        Ok(()) => Verdict::Ack,
        Err(error) => {
            worker::console_error!("queue: {error:?} job.id={}", message.job_id);
            Verdict::Retry
        }
    }
}

async fn work(app: &App, message: Message) -> Verdict {
    let Some(codec) = Codec::acquire() else {
        return Verdict::Retry;
    };
    match image::work(app, &codec, message.job_id).await {
        Ok(()) => Verdict::Ack,
        // The job is not due, is running elsewhere, has ended or was deleted: this message is of no use.
        Err(Error::Problem(failure)) => {
            worker::console_debug!(
                "queue: job not claimed job.id={} code={}",
                message.job_id,
                failure.code.as_str()
            );
            Verdict::Ack
        }
        Err(error) => {
            worker::console_error!("queue: {error:?} job.id={}", message.job_id);
            Verdict::Retry
        }
    }
}
