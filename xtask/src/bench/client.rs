//! Single calls of the API, for what surrounds the measured part.

use std::io::{BufRead as _, BufReader};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use shared::api::Upload;
use shared::auth::Role;
use ureq::http::Response;
use ureq::{Agent, Body};

use crate::paths::Paths;
use crate::token::{self, DevKey};

/// Longest wait for an answer to begin.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A replay must have ended by then.
const REPLAY: Duration = Duration::from_mins(2);

/// A user with a token.
#[derive(Debug, Clone)]
pub(super) struct Client {
    origin: String,
    token: String,
    agent: Agent,
}

/// An event as it came over the stream.
#[derive(Debug, Clone)]
pub(super) struct SseEvent {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) data: String,
}

impl Client {
    /// The user `user` of the tenant `bench`.
    pub(super) fn new(paths: &Paths, origin: &str, user: &str) -> Result<Self> {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_connect(Some(TIMEOUT))
            .timeout_recv_response(Some(TIMEOUT))
            .build();
        let token = DevKey::of(paths)?.token(&token::Options {
            tenant: "bench".to_owned(),
            user: user.to_owned(),
            role: Role::User,
        })?;
        Ok(Self {
            origin: origin.to_owned(),
            token,
            agent: config.new_agent(),
        })
    }

    /// The token.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Gets a JSON document.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.agent.get(format!("{}{path}", self.origin));
        let answer = request
            .header("authorization", format!("Bearer {}", self.token))
            .call();
        json(answer?).with_context(|| format!("GET {path}"))
    }

    /// Posts a JSON document.
    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, body: &str) -> Result<T> {
        let request = self.agent.post(format!("{}{path}", self.origin));
        let answer = request
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .send(body);
        json(answer?).with_context(|| format!("POST {path}"))
    }

    /// Puts a file to its signed URL.
    pub(super) fn put(&self, upload: &Upload, file: &[u8]) -> Result<()> {
        let Upload::Single { url, headers, .. } = upload;
        let mut request = self.agent.put(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send(file).context("PUT to the signed URL")?;
        if !answer.status().is_success() {
            bail!("PUT to the signed URL answers {}", answer.status());
        }
        Ok(())
    }

    /// Gets a file.
    pub(super) fn download(&self, url: &str) -> Result<Vec<u8>> {
        let mut answer = self.agent.get(url).call()?;
        if !answer.status().is_success() {
            bail!("GET {url} answers {}", answer.status());
        }
        Ok(answer
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_vec()?)
    }

    /// Gets the beginning of a file by a range, as players do.
    pub(super) fn beginning(&self, url: &str) -> Result<Vec<u8>> {
        let mut answer = self
            .agent
            .get(url)
            .header("range", "bytes=0-65535")
            .call()?;
        if answer.status() != 206 {
            bail!("GET {url} with a range answers {}", answer.status());
        }
        Ok(answer.body_mut().read_to_vec()?)
    }

    /// Opens the event stream; after `last_event_id`, if there is one, to replay what follows within [`REPLAY`].
    pub(super) fn events(
        &self,
        last_event_id: Option<&str>,
    ) -> Result<impl Iterator<Item = Result<SseEvent>> + use<>> {
        let mut request = self
            .agent
            .get(format!("{}/v1/events", self.origin))
            .header("authorization", format!("Bearer {}", self.token));
        if let Some(id) = last_event_id {
            request = request
                .header("last-event-id", id)
                .config()
                .timeout_recv_body(Some(REPLAY))
                .build();
        }
        let answer = request.call()?;
        if !answer.status().is_success() {
            bail!("the event stream answers {}", answer.status());
        }
        let mut lines = BufReader::new(answer.into_body().into_reader()).lines();
        Ok(std::iter::from_fn(move || next(&mut lines).transpose()))
    }
}

/// The next event of a stream; `None` at its end. What this project sends has one `data` line an event.
fn next(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Result<Option<SseEvent>> {
    let (mut id, mut name, mut data) = (String::new(), String::new(), None);
    for line in lines {
        let line = line.context("the event stream broke off")?;
        match line.split_once(": ") {
            Some(("id", value)) => value.clone_into(&mut id),
            Some(("event", value)) => value.clone_into(&mut name),
            Some(("data", value)) => data = Some(value.to_owned()),
            Some(_) => {}
            None => {
                if let Some(data) = data.take() {
                    return Ok(Some(SseEvent { id, name, data }));
                }
            }
        }
    }
    Ok(None)
}

fn json<T: DeserializeOwned>(mut answer: Response<Body>) -> Result<T> {
    let text = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("{} {}", answer.status(), text.trim());
    }
    serde_json::from_str(&text)
        .with_context(|| format!("the answer is not what it should be: {text}"))
}
