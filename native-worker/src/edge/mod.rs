//! [`Edge`]: the calls of a worker to the edge and to the queue.

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

/// How long a pull waits for a message. It is shorter than the 30 s after which many proxies cut silent requests.
const PULL_WAIT: Duration = Duration::from_secs(20);

/// The queue sends white space twice a second while a pull waits. A pull that is silent for this long is dead.
const PULL_SILENCE_MAX: Duration = Duration::from_secs(10);

/// A pulled hint that was not acknowledged is visible again after this time.
const VISIBILITY: Duration = Duration::from_secs(5);

/// Timeout of a call that is not a pull.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgeError {
    /// The edge refused the call. It would refuse the same call again.
    #[error("the edge refused ({status}{}): {detail}", .code.map(|code| format!(" {}", code.as_str())).unwrap_or_default())]
    Refused {
        /// HTTP status, 4xx.
        status: u16,
        /// Error code; `None` if this version does not know it.
        code: Option<ErrorCode>,
        /// Detail of the problem document.
        detail: String,
    },
    /// No answer, or a temporary error. The call may have had an effect.
    #[error("the edge cannot be reached: {0}")]
    Unreachable(String),
}

impl EdgeError {
    /// The error code of a refusal.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => *code,
            Self::Unreachable(_) => None,
        }
    }

    /// Whether the attempt is not current: the job is gone or has ended, or another attempt holds it.
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

/// Client for the edge and the queue.
#[derive(Debug, Clone)]
pub struct Edge {
    calls: Client,
    pulls: Client,
    queue_url: String,
    api_url: String,
    token: Secret,
}

impl Edge {
    /// A client. It makes no connection yet.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be made.
    pub fn new(config: &Config) -> Result<Self, EdgeError> {
        // An error means that the same provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = || {
            Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                // The token must go nowhere but to the URLs of the settings.
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

    /// Registers the worker. The answer says whether an admin has drained it.
    ///
    /// # Errors
    ///
    /// If the edge refuses or cannot be reached.
    pub async fn register(&self, worker: &RegisterWorker) -> Result<Worker, EdgeError> {
        let url = format!("{}/v1/workers", self.api_url);
        self.ask(self.calls.post(url).json(worker)).await
    }

    /// Waits for hints, at most `count` of them.
    ///
    /// # Errors
    ///
    /// If the queue refuses or cannot be reached.
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

    /// Acknowledges a hint: it is not delivered again.
    ///
    /// # Errors
    ///
    /// If the queue refuses or cannot be reached.
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

    /// Claims a job.
    ///
    /// # Errors
    ///
    /// If the edge refuses or cannot be reached.
    pub async fn claim(&self, job: JobId) -> Result<ClaimedJob, EdgeError> {
        self.ask(self.calls.post(self.verb(job, "claim"))).await
    }

    /// Renews the lease of an attempt. Waits for the answer no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// If the edge refuses or cannot be reached.
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
    ///
    /// # Errors
    ///
    /// If the edge refuses or cannot be reached.
    pub async fn finish(&self, job: JobId, finish: &FinishJob) -> Result<(), EdgeError> {
        self.end(job, "finish", finish).await
    }

    /// Ends the attempt without success.
    ///
    /// # Errors
    ///
    /// If the edge refuses or cannot be reached.
    pub async fn fail(&self, job: JobId, fail: &FailJob) -> Result<(), EdgeError> {
        self.end(job, "fail", fail).await
    }

    /// Releases the attempt: the job is queued again.
    ///
    /// # Errors
    ///
    /// If the edge refuses or cannot be reached.
    pub async fn release(&self, job: JobId, release: &ReleaseJob) -> Result<(), EdgeError> {
        self.end(job, "release", release).await
    }

    fn verb(&self, job: JobId, verb: &str) -> String {
        format!("{}/v1/jobs/{job}/{verb}", self.api_url)
    }

    async fn end(&self, job: JobId, verb: &str, body: &impl Serialize) -> Result<(), EdgeError> {
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
        serde_json::from_slice(body).map_err(|error| {
            EdgeError::Unreachable(format!("it answers in another format: {error}"))
        })
    }
}

/// The error of an answer that is not a success.
fn refusal(status: StatusCode, body: &[u8]) -> EdgeError {
    /// The code is text, because the edge may be newer than this worker.
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Document {
        code: String,
        detail: String,
    }
    let Document { code, detail } = serde_json::from_slice(body).unwrap_or_default();
    let is_temporary = matches!(
        status,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    );
    if status.is_client_error() && !is_temporary {
        EdgeError::Refused {
            status: status.as_u16(),
            code: code.parse().ok(),
            detail,
        }
    } else {
        let code = if code.is_empty() {
            String::new()
        } else {
            format!(" {code}")
        };
        EdgeError::Unreachable(format!("it answers {}{code}", status.as_u16()))
    }
}

/// The cause of an error, without the URL.
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
