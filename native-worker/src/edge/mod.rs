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
use crate::error::Error;
use crate::secret::Secret;

/// How long a pull waits for a message. It is shorter than the 30 s after which many proxies cut silent requests.
pub const PULL_WAIT: Duration = Duration::from_secs(20);

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
    #[error("{url} refused the call ({})", refusal(*.status, *.code, .detail))]
    Refused {
        /// URL of the call.
        url: String,
        /// HTTP status, 4xx.
        status: u16,
        /// Error code; `None` if this version does not know it.
        code: Option<ErrorCode>,
        /// Detail of the problem document.
        detail: String,
    },
    /// No answer, or a temporary error. The call may have had an effect.
    #[error("{url} {why}")]
    Unavailable {
        /// URL of the call.
        url: String,
        /// What happened, for example `cannot be reached: no connection`.
        why: String,
    },
}

impl EdgeError {
    /// The error code of a refusal.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => *code,
            Self::Unavailable { .. } => None,
        }
    }

    /// The detail of a refusal.
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Refused { detail, .. } => detail,
            Self::Unavailable { .. } => "",
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

/// `404 not_found: Not found.`
fn refusal(status: u16, code: Option<ErrorCode>, detail: &str) -> String {
    let code = code.map(|code| format!(" {}", code.as_str()));
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    };
    format!("{status}{}{detail}", code.unwrap_or_default())
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
    pub fn new(config: &Config) -> Result<Self, Error> {
        // An error means that the same provider is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = || {
            Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                // The token must go nowhere but to the URLs of the settings.
                .redirect(redirect::Policy::none())
        };
        let failed = |error: reqwest::Error| Error::Client(reason(error));
        Ok(Self {
            calls: client().timeout(CALL_TIMEOUT).build().map_err(failed)?,
            pulls: client()
                .timeout(PULL_WAIT + CALL_TIMEOUT)
                .read_timeout(PULL_SILENCE_MAX)
                .build()
                .map_err(failed)?,
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

    /// Pulls at most `count` hints. If there are none, the queue waits for one for at most `wait`.
    ///
    /// # Errors
    ///
    /// If the queue refuses or cannot be reached.
    pub async fn pull(&self, count: usize, wait: Duration) -> Result<Vec<Hint>, EdgeError> {
        #[derive(Serialize)]
        struct Pull {
            batch_size: usize,
            visibility_timeout_ms: u128,
            wait_ms: u128,
        }
        let url = self.pull_url();
        let pull = Pull {
            batch_size: count,
            visibility_timeout_ms: VISIBILITY.as_millis(),
            wait_ms: wait.as_millis(),
        };
        let pulled: Pulled = self.ask(self.pulls.post(&url).json(&pull)).await?;
        let unavailable = |why| EdgeError::Unavailable { url, why };
        pulled.hints().map_err(unavailable)
    }

    /// URL of pulls.
    pub(crate) fn pull_url(&self) -> String {
        format!("{}/messages/pull", self.queue_url)
    }

    /// Gives hints back: the queue delivers them again at once.
    ///
    /// # Errors
    ///
    /// If the queue refuses or cannot be reached.
    pub async fn give_back(&self, hints: &[Hint]) -> Result<(), EdgeError> {
        #[derive(Serialize)]
        struct Retry<'a> {
            lease_id: &'a str,
        }
        #[derive(Serialize)]
        struct Retries<'a> {
            retries: Vec<Retry<'a>>,
        }
        let retries = hints.iter().map(|Hint { lease_id, .. }| Retry { lease_id });
        let retries = Retries {
            retries: retries.collect(),
        };
        self.call(&format!("{}/messages/ack", self.queue_url), &retries)
            .await
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
        let acks = Acks {
            acks: [Ack { lease_id }],
        };
        self.call(&format!("{}/messages/ack", self.queue_url), &acks)
            .await
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
        self.call(&self.verb(job, verb), body).await
    }

    /// A call whose answer does not matter.
    async fn call(&self, url: &str, body: &impl Serialize) -> Result<(), EdgeError> {
        self.ask::<IgnoredAny>(self.calls.post(url).json(body))
            .await
            .map(|_| ())
    }

    async fn ask<A: DeserializeOwned>(&self, call: RequestBuilder) -> Result<A, EdgeError> {
        let (client, request) = call.bearer_auth(self.token.expose()).build_split();
        // A request that cannot be built has no URL: there is no such case, because the settings have valid URLs.
        let request = request.map_err(|error| EdgeError::Unavailable {
            url: self.api_url.clone(),
            why: reason(error),
        })?;
        let url = request.url().to_string();
        let unavailable = |why: String| EdgeError::Unavailable {
            url: url.clone(),
            why,
        };
        let unreachable =
            |error: reqwest::Error| unavailable(format!("cannot be reached: {}", reason(error)));
        let answer = client.execute(request).await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if !status.is_success() {
            return Err(failure(url, status, &body));
        }
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(body)
            .map_err(|error| unavailable(format!("answered in another format: {error}")))
    }
}

/// The error of an answer that is not a success.
fn failure(url: String, status: StatusCode, body: &[u8]) -> EdgeError {
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
    let status = status.as_u16();
    if (400..500).contains(&status) && !is_temporary {
        EdgeError::Refused {
            url,
            status,
            code: code.parse().ok(),
            detail,
        }
    } else {
        let why = format!("answered {status} {code}").trim_end().to_owned();
        EdgeError::Unavailable { url, why }
    }
}

/// The cause of an error, without the URL.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = if error.is_connect() {
        "no connection".to_owned()
    } else {
        error.to_string()
    };
    // The innermost cause, such as "Connection refused", says the most.
    let mut source = std::error::Error::source(&error);
    let mut innermost = None;
    while let Some(cause) = source {
        innermost = Some(cause.to_string());
        source = cause.source();
    }
    if let Some(cause) = innermost {
        text = format!("{text}: {cause}");
    }
    text
}
