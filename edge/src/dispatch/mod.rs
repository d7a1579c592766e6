//! The way to the dispatch object, where hints wait for native workers.

pub(crate) mod object;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::id::JobId;
use shared::message::{Message, QUEUE};
use shared::worker::queue::{AckMessages, Acked, BacklogMetrics};
use worker::{Method, Request, RequestInit, Response};

use crate::app::App;
use crate::error::{Error, Result};

/// What the object is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// Keep a message; a job has one at most.
    Push { job_id: JobId, body: String },
    /// Forget the message of a job.
    Forget { job_id: JobId },
    /// Give messages, or wait for some.
    Pull(Pull),
    /// Messages are done with, or come again.
    Ack(AckMessages),
    /// A worker shall get nothing, or something again. Ends its pull.
    Drain { worker: String, drain: bool },
    /// How much waits.
    Metrics,
}

/// A pull, within its limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// Who pulls.
    pub(crate) worker: String,
    /// Whether it shall get nothing.
    pub(crate) is_drained: bool,
    /// Most messages.
    pub(crate) batch_size: u32,
    /// How long they stay hidden.
    pub(crate) visibility_ms: u64,
    /// How long to wait for one.
    pub(crate) wait_ms: u64,
}

async fn ask(app: &App, ask: &Ask) -> Result<Response> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(serde_json::to_string(ask)?.into()));
    let request = Request::new_with_init("http://dispatch/", &init)?;
    let object = app.env.durable_object("DISPATCH")?.get_by_name(QUEUE)?;
    let response = object.fetch_with_request(request).await?;
    match response.status_code() {
        200 | 204 => Ok(response),
        status => Err(Error::internal(format!("dispatch answered {status}"))),
    }
}

async fn ask_json<T: DeserializeOwned>(app: &App, question: &Ask) -> Result<T> {
    let text = ask(app, question).await?.text().await?;
    Ok(serde_json::from_str(&text)?)
}

/// Keeps a message until its job is claimed or has ended.
pub(crate) async fn push(app: &App, message: Message) -> Result<()> {
    let push = Ask::Push {
        job_id: message.job_id,
        body: message.encode(),
    };
    ask(app, &push).await.map(|_| ())
}

/// Forgets the message of `job_id`, if there is one.
pub(crate) async fn forget(app: &App, job_id: JobId) -> Result<()> {
    ask(app, &Ask::Forget { job_id }).await.map(|_| ())
}

/// Pulls messages; the answer's body is a stream while it waits.
pub(crate) async fn pull(app: &App, pull: Pull) -> Result<Response> {
    ask(app, &Ask::Pull(pull)).await
}

/// Acknowledges messages, or has them come again.
pub(crate) async fn ack(app: &App, acks: AckMessages) -> Result<Acked> {
    ask_json(app, &Ask::Ack(acks)).await
}

/// Keeps a worker from messages, or lets it have them again.
pub(crate) async fn drain(app: &App, worker: &str, drain: bool) -> Result<()> {
    let worker = worker.to_owned();
    ask(app, &Ask::Drain { worker, drain }).await.map(|_| ())
}

/// How much waits.
pub(crate) async fn metrics(app: &App) -> Result<BacklogMetrics> {
    ask_json(app, &Ask::Metrics).await
}
