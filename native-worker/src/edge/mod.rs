//! The edge, as a worker calls it.

pub mod hint;

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use shared::id::JobId;
use shared::problem::ErrorCode;
use shared::worker::{
    ClaimedJob, FailJob, FinishJob, Heartbeat, HeartbeatJob, RegisterWorker, ReleaseJob, Worker,
};

use self::hint::{Hint, Pulled};
use crate::config::Config;
use crate::secret::Secret;

/// How long the queue may hold a pull when it is empty. Below the 30 s after which many proxies end silent requests.
const PULL_WAIT: Duration = Duration::from_secs(20);

/// The queue sends white space twice a second while it holds a pull; a pull that is silent for this long is dead.
const PULL_SILENCE_MAX: Duration = Duration::from_secs(10);

/// A pulled hint is visible again after this unless it is acknowledged.
const VISIBILITY: Duration = Duration::from_secs(5);

/// One call that is no pull.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a call did nothing, or may have done nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// The edge understood and said no. The same call gets the same answer.
    #[error("the edge refused ({status}{}): {detail}", .code.map(|code| format!(" {}", code.as_str())).unwrap_or_default())]
    Refused {
        /// HTTP status, 4xx.
        status: u16,
        /// Stable code; `None` when this version does not know it.
        code: Option<ErrorCode>,
        /// What the edge says.
        detail: String,
    },
    /// No answer, or one that says "later": whether the call did something is not known.
    #[error("the edge cannot be reached: {0}")]
    Unreachable(String),
}

impl EdgeError {
    /// The code of a refusal.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => *code,
            Self::Unreachable(_) => None,
        }
    }

    /// Whether the job or the attempt is not the caller's: gone, ended, or somebody else's.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 404 | 409,
                ..
            }
        )
    }
}

/// The edge and the queue.
#[derive(Debug, Clone)]
pub struct Edge {
    calls: Client,
    pulls: Client,
    queue_url: String,
    api_url: String,
    token: Secret,
}

impl Edge {
    /// A client; nothing is asked yet.
    pub fn new(config: &Config) -> Result<Self, EdgeError> {
        // Whoever comes second gets an error, and uses the first one's: they are the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = || {
            Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                // The token goes where the settings say, nowhere else.
                .redirect(redirect::Policy::none())
        };
        let built = |error: reqwest::Error| EdgeError::Unreachable(reason(error));
        Ok(Self {
            calls: client().timeout(CALL_TIMEOUT).build().map_err(built)?,
            pulls: client()
                .timeout(PULL_WAIT + CALL_TIMEOUT)
                .read_timeout(PULL_SILENCE_MAX)
                .build()
                .map_err(built)?,
            queue_url: config.queue_url.clone(),
            api_url: config.api_url.clone(),
            token: config.token.clone(),
        })
    }

    /// Says what this worker is; the answer says whether it is wanted.
    pub async fn register(&self, worker: &RegisterWorker) -> Result<Worker, EdgeError> {
        let url = format!("{}/v1/workers", self.api_url);
        self.ask(self.calls.post(url).json(worker)).await
    }

    /// Waits for hints, at most `count`.
    pub async fn pull(&self, count: usize) -> Result<Vec<Hint>, EdgeError> {
        #[derive(Serialize)]
        struct Pull {
            batch_size: usize,
            visibility_timeout_ms: u128,
            wait_ms: u128,
        }
        let url = format!("{}/messages/pull", self.queue_url);
        let pull = Pull {
            batch_size: count,
            visibility_timeout_ms: VISIBILITY.as_millis(),
            wait_ms: PULL_WAIT.as_millis(),
        };
        let pulled: Pulled = self.ask(self.pulls.post(url).json(&pull)).await?;
        pulled.hints().map_err(EdgeError::Unreachable)
    }

    /// A hint is used up.
    pub async fn ack(&self, lease_id: &str) -> Result<(), EdgeError> {
        #[derive(Serialize)]
        struct Ack<'a> {
            lease_id: &'a str,
        }
        #[derive(Serialize)]
        struct Acks<'a> {
            acks: [Ack<'a>; 1],
        }
        let url = format!("{}/messages/ack", self.queue_url);
        let acks = Acks {
            acks: [Ack { lease_id }],
        };
        self.ask::<IgnoredAny>(self.calls.post(url).json(&acks))
            .await
            .map(|_| ())
    }

    /// Takes a job.
    pub async fn claim(&self, job: JobId) -> Result<ClaimedJob, EdgeError> {
        self.ask(self.calls.post(self.verb(job, "claim"))).await
    }

    /// Tells that the attempt is alive, within `timeout`.
    pub async fn heartbeat(
        &self,
        job: JobId,
        beat: &HeartbeatJob,
        timeout: Duration,
    ) -> Result<Heartbeat, EdgeError> {
        let call = self.calls.post(self.verb(job, "heartbeat")).json(beat);
        self.ask(call.timeout(timeout.min(CALL_TIMEOUT))).await
    }

    /// Ends the attempt with success.
    pub async fn finish(&self, job: JobId, finish: &FinishJob) -> Result<(), EdgeError> {
        self.tell(job, "finish", finish).await
    }

    /// Ends the attempt without success.
    pub async fn fail(&self, job: JobId, fail: &FailJob) -> Result<(), EdgeError> {
        self.tell(job, "fail", fail).await
    }

    /// Gives the attempt back.
    pub async fn release(&self, job: JobId, release: &ReleaseJob) -> Result<(), EdgeError> {
        self.tell(job, "release", release).await
    }

    fn verb(&self, job: JobId, verb: &str) -> String {
        format!("{}/v1/jobs/{job}/{verb}", self.api_url)
    }

    async fn tell(&self, job: JobId, verb: &str, body: &impl Serialize) -> Result<(), EdgeError> {
        self.ask::<IgnoredAny>(self.calls.post(self.verb(job, verb)).json(body))
            .await
            .map(|_| ())
    }

    async fn ask<A: DeserializeOwned>(&self, call: RequestBuilder) -> Result<A, EdgeError> {
        let unreachable = |error: reqwest::Error| EdgeError::Unreachable(reason(error));
        let answer = call
            .bearer_auth(self.token.expose())
            .send()
            .await
            .map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(refusal(status, &body));
        }
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(body)
            .map_err(|error| EdgeError::Unreachable(format!("it answers something else: {error}")))
    }
}

/// What an answer that is no success means.
fn refusal(status: StatusCode, body: &[u8]) -> EdgeError {
    /// The code is text: an edge may be newer than this worker.
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Document {
        code: String,
        detail: String,
    }
    let Document { code, detail } = serde_json::from_slice(body).unwrap_or_default();
    let is_for_now = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    );
    if status.is_client_error() && !is_for_now {
        EdgeError::Refused {
            status: status.as_u16(),
            code: code.parse().ok(),
            detail,
        }
    } else {
        let said = if code.is_empty() {
            String::new()
        } else {
            format!(" {code}")
        };
        EdgeError::Unreachable(format!("it answers {}{said}", status.as_u16()))
    }
}

/// What went wrong, without the URL.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        "no answer in time".to_owned()
    } else if error.is_connect() {
        "no connection".to_owned()
    } else {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        text
    }
}
