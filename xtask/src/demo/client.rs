//! The demo's calls: what any client of the API does, with the request and answer types of the contract.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use shared::api::{CompletedAsset, CreatedAsset, Playback};
use shared::asset::Asset;
use shared::id::AssetId;
use shared::problem::Problem;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::input::Source;

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A caller with its token.
#[derive(Debug, Clone)]
pub(super) struct Client {
    origin: String,
    authorization: String,
    agent: Agent,
}

impl Client {
    /// A caller of the edge at `origin`.
    pub(super) fn new(origin: &str, token: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_connect(Some(TIMEOUT))
            .timeout_recv_response(Some(TIMEOUT))
            .build();
        Self {
            origin: origin.to_owned(),
            authorization: format!("Bearer {token}"),
            agent: config.new_agent(),
        }
    }

    /// Where the edge is.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The agent, for signed URLs: no token goes there.
    pub(super) fn agent(&self) -> &Agent {
        &self.agent
    }

    /// Registers a file.
    pub(super) fn create(&self, source: &Source) -> Result<CreatedAsset> {
        let body = serde_json::json!({
            "filename": source.name(),
            "content_type": source.media_type().as_str(),
            "size_bytes": source.size_bytes(),
        });
        self.post("/v1/assets", &body)
    }

    /// Says that the file is there.
    pub(super) fn complete(&self, asset_id: AssetId) -> Result<CompletedAsset> {
        self.post(
            &format!("/v1/assets/{asset_id}/complete"),
            &serde_json::json!({}),
        )
    }

    /// Reads an asset.
    pub(super) fn asset(&self, asset_id: AssetId) -> Result<Asset> {
        self.get(&format!("/v1/assets/{asset_id}"))
    }

    /// Reads what a player needs of an asset.
    pub(super) fn playback(&self, asset_id: AssetId) -> Result<Playback> {
        self.get(&format!("/v1/assets/{asset_id}/playback"))
    }

    /// Opens the event stream, after the event `last_event_id` when there is one.
    pub(super) fn events(&self, last_event_id: Option<&str>) -> Result<Response<Body>> {
        let url = format!("{}/v1/events", self.origin);
        let mut request = self
            .agent
            .get(&url)
            .header("authorization", &self.authorization);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let answer = request.call().with_context(|| format!("GET {url}"))?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(problem(answer)).context("the event stream")
        }
    }

    /// How long the file at `url` is: asked for as players do, by a range.
    pub(super) fn length(&self, url: &str) -> Result<u64> {
        let answer = self.agent.get(url).header("range", "bytes=0-0").call();
        let answer = answer.with_context(|| format!("GET {url}"))?;
        let range = answer.headers().get("content-range");
        let length = range
            .and_then(|range| range.to_str().ok()?.rsplit('/').next()?.parse().ok())
            .filter(|length| *length > 0);
        match length {
            Some(length) if answer.status() == 206 => Ok(length),
            _ => bail!(
                "GET {url} with a range answers {} without one",
                answer.status()
            ),
        }
    }

    /// Gets the file of an output, whole.
    pub(super) fn download(&self, url: &str) -> Result<Vec<u8>> {
        let mut answer = self
            .agent
            .get(url)
            .call()
            .with_context(|| format!("GET {url}"))?;
        if !answer.status().is_success() {
            bail!("GET {url} answers {}", answer.status());
        }
        answer
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_vec()
            .with_context(|| format!("GET {url} broke off"))
    }

    fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}{path}", self.origin);
        let answer = self
            .agent
            .get(&url)
            .header("authorization", &self.authorization)
            .call();
        parse(answer.with_context(|| format!("GET {url}"))?).with_context(|| format!("GET {path}"))
    }

    fn post<T: serde::de::DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let url = format!("{}{path}", self.origin);
        let answer = self
            .agent
            .post(&url)
            .header("authorization", &self.authorization)
            .header("content-type", "application/json")
            .send(body.to_string().as_bytes());
        parse(answer.with_context(|| format!("POST {url}"))?)
            .with_context(|| format!("POST {path}"))
    }
}

fn parse<T: serde::de::DeserializeOwned>(mut answer: Response<Body>) -> Result<T> {
    if !answer.status().is_success() {
        return Err(problem(answer));
    }
    let text = answer
        .body_mut()
        .read_to_string()
        .context("the answer broke off")?;
    serde_json::from_str(&text)
        .with_context(|| format!("the answer is not what the contract says: {text}"))
}

/// An answer that is not a success, in the words of its problem document.
pub(super) fn problem(mut answer: Response<Body>) -> anyhow::Error {
    let text = answer.body_mut().read_to_string().unwrap_or_default();
    match serde_json::from_str::<Problem>(&text) {
        Ok(problem) => anyhow::anyhow!(
            "{}: {} ({})",
            problem.title,
            problem.detail,
            answer.status()
        ),
        Err(_) => anyhow::anyhow!("{} {}", answer.status(), text.trim()),
    }
}
