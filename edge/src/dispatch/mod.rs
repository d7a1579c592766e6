//! What the script and the dispatch object send each other. Hints for native workers wait in that object.
//!
//! Every function here fails when the object cannot be reached or fails itself.

pub(crate) mod object;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::id::JobId;
use shared::message::{Message, QUEUE};
use shared::worker::queue::{AckMessages, Acked, BacklogMetrics};
use worker::Response;

use crate::app::App;
use crate::error::Result;
use crate::object as durable;

/// What the object is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask {
    /// Store a message; at most one per job.
    Push { job_id: JobId, body: String },
    /// Forget the message of a job.
    Forget { job_id: JobId },
    /// Deliver messages, or wait for some.
    Pull(Pull),
    /// Acknowledge messages, or have them delivered again.
    Ack(AckMessages),
    /// Stop or resume deliveries to a worker. Ends its pull.
    Drain { worker: String, drain: bool },
    /// Size of the backlog.
    Metrics,
}

/// A pull, within its limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pull {
    /// The worker that pulls.
    pub(crate) worker: String,
    /// Whether it gets nothing.
    pub(crate) is_drained: bool,
    /// Most messages.
    pub(crate) batch_size: u32,
    /// How long they stay invisible to others.
    pub(crate) visibility_ms: u64,
    /// How long to wait for one.
    pub(crate) wait_ms: u64,
}

/// Name of the class in URLs and log lines.
const CLASS: &str = "dispatch";

async fn ask(app: &App, ask: &Ask) -> Result<Response> {
    let object = app.env.durable_object("DISPATCH")?.get_by_name(QUEUE)?;
    durable::ask(CLASS, &object, ask).await
}

async fn ask_json<T: DeserializeOwned>(app: &App, question: &Ask) -> Result<T> {
    let text = ask(app, question).await?.text().await?;
    Ok(serde_json::from_str(&text)?)
}

/// Stores a message until its job is claimed or has ended.
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

/// Pulls messages. The body of the response is a stream while the pull waits.
pub(crate) async fn pull(app: &App, pull: Pull) -> Result<Response> {
    ask(app, &Ask::Pull(pull)).await
}

/// Acknowledges messages, or has them delivered again.
pub(crate) async fn ack(app: &App, acks: AckMessages) -> Result<Acked> {
    ask_json(app, &Ask::Ack(acks)).await
}

/// Stops or resumes deliveries to a worker.
pub(crate) async fn drain(app: &App, worker: &str, drain: bool) -> Result<()> {
    let worker = worker.to_owned();
    ask(app, &Ask::Drain { worker, drain }).await.map(|_| ())
}

/// Size of the backlog.
pub(crate) async fn metrics(app: &App) -> Result<BacklogMetrics> {
    ask_json(app, &Ask::Metrics).await
}
