//! Ferrotype's API as a program uses it: calls with the types of the contract, the event stream, HLS, and files on their way.

pub mod hls;
pub mod sse;
pub mod transfer;

use std::io::{self, BufReader, Read};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shared::api::{CompletedAsset, CreatedAsset, Playback, Upload};
use shared::asset::{Asset, Output};
use shared::id::AssetId;
use shared::problem::Problem;
use ureq::http::Response;
use ureq::typestate::WithoutBody;
use ureq::{Agent, Body, RequestBuilder, SendBody};

use crate::sse::{Connection, Events};

/// Longest wait for a connection, and for the headers of a response.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Attempts at one PUT: a bucket may close a connection early.
const PUT_TRIES_MAX: u32 = 3;
const PUT_RETRY: Duration = Duration::from_millis(200);

/// The first range that a player requests of a file.
const FIRST_RANGE: &str = "bytes=0-65535";

/// A caller of the API with its token.
#[derive(Debug, Clone)]
pub struct Client {
    origin: String,
    token: String,
    agent: Agent,
}

impl Client {
    /// A caller of the edge at `origin`.
    pub fn new(origin: &str, token: String) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_connect(Some(TIMEOUT))
            .timeout_recv_response(Some(TIMEOUT))
            .build();
        Self {
            origin: origin.to_owned(),
            token,
            agent: config.new_agent(),
        }
    }

    /// Where the edge is.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Registers a file.
    ///
    /// # Errors
    ///
    /// When the request fails or is refused.
    pub fn create(
        &self,
        filename: &str,
        content_type: &str,
        size_bytes: u64,
    ) -> Result<CreatedAsset> {
        let body = json!({
            "filename": filename, "content_type": content_type, "size_bytes": size_bytes,
        });
        self.post("/v1/assets", &body)
    }

    /// Uploads a file of `size_bytes` to its signed URL, without the token. `open` is called for each attempt, `sent` with the
    /// number of bytes that were sent in it so far.
    ///
    /// # Errors
    ///
    /// When the bucket refuses the file, every attempt breaks off, or `open` fails.
    pub fn put<R: Read>(
        &self,
        upload: &Upload,
        size_bytes: u64,
        mut open: impl FnMut() -> Result<R>,
        mut sent: impl FnMut(u64),
    ) -> Result<()> {
        let Upload::Single { url, headers, .. } = upload;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut file = Counted {
                file: open()?,
                bytes: 0,
                sent: &mut sent,
            };
            let mut request = self.agent.put(url).header("content-length", size_bytes);
            for (name, value) in headers {
                request = request.header(name, value);
            }
            match request.send(SendBody::from_reader(&mut file)) {
                // 412: an earlier attempt has succeeded after all.
                Ok(answer) if answer.status().is_success() || answer.status() == 412 => {
                    return Ok(());
                }
                Ok(answer) if answer.status().is_client_error() || tries >= PUT_TRIES_MAX => {
                    return Err(problem(answer)).context("the bucket refused the file");
                }
                Err(error) if tries >= PUT_TRIES_MAX => bail!("the upload broke off: {error}"),
                Ok(_) | Err(_) => std::thread::sleep(PUT_RETRY),
            }
        }
    }

    /// Confirms the upload.
    ///
    /// # Errors
    ///
    /// When the request fails or is refused.
    pub fn complete(&self, asset_id: AssetId) -> Result<CompletedAsset> {
        self.post(&format!("/v1/assets/{asset_id}/complete"), &json!({}))
    }

    /// Reads an asset.
    ///
    /// # Errors
    ///
    /// When the request fails or is refused.
    pub fn asset(&self, asset_id: AssetId) -> Result<Asset> {
        self.get(&format!("/v1/assets/{asset_id}"))
    }

    /// Reads what a player needs of an asset.
    ///
    /// # Errors
    ///
    /// When the request fails or is refused.
    pub fn playback(&self, asset_id: AssetId) -> Result<Playback> {
        self.get(&format!("/v1/assets/{asset_id}/playback"))
    }

    /// Reads a JSON document of the API.
    ///
    /// # Errors
    ///
    /// When the request fails or is refused, or the document is of another type.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let url = format!("{}{path}", self.origin);
        fetch(self.authorized(self.agent.get(&url)), &url)
            .and_then(parse)
            .with_context(|| format!("GET {path}"))
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        let url = format!("{}{path}", self.origin);
        let answer = self
            .authorized(self.agent.post(&url))
            .header("content-type", "application/json")
            .send(body.to_string());
        answer
            .map_err(Into::into)
            .and_then(parse)
            .with_context(|| format!("POST {path}"))
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        request.header("authorization", format!("Bearer {}", self.token))
    }

    /// Downloads a whole file, without the token.
    ///
    /// # Errors
    ///
    /// When the request fails or is refused.
    pub fn download(&self, url: &str) -> Result<Vec<u8>> {
        let mut answer = fetch(self.agent.get(url), url)?;
        if !answer.status().is_success() {
            bail!("GET {url} answers {}", answer.status());
        }
        let body = answer.body_mut().with_config().limit(u64::MAX);
        body.read_to_vec()
            .with_context(|| format!("GET {url} broke off"))
    }

    /// Downloads all files of an output: one, or for HLS the master playlist followed by everything that it leads to.
    ///
    /// # Errors
    ///
    /// When a request fails, or the first file has another size than the output.
    pub fn download_output(&self, output: &Output) -> Result<Vec<hls::File>> {
        let files = hls::files(|url| self.download(url), &output.url)?;
        let found = files.first().map_or(0, |file| file.bytes.len());
        if u64::try_from(found)? != output.size_bytes {
            bail!(
                "{} has {found} bytes instead of {}",
                output.url,
                output.size_bytes
            );
        }
        Ok(files)
    }

    /// The length of a file in bytes, from the response to the first range, which is read as by a player.
    ///
    /// # Errors
    ///
    /// When the request fails, or its response is not a range of a file.
    pub fn length(&self, url: &str) -> Result<u64> {
        let mut answer = fetch(self.agent.get(url).header("range", FIRST_RANGE), url)?;
        let range = answer.headers().get("content-range");
        let length = range
            .and_then(|range| range.to_str().ok()?.rsplit('/').next()?.parse().ok())
            .filter(|length| *length > 0);
        let beginning = answer
            .body_mut()
            .read_to_vec()
            .with_context(|| format!("GET {url} broke off"))?;
        match length {
            Some(length) if answer.status() == 206 && !beginning.is_empty() => Ok(length),
            _ => bail!("GET {url} with a range answers {}", answer.status()),
        }
    }

    /// Opens the event stream, after the event `last_event_id` if given. It is open once this returns.
    ///
    /// # Errors
    ///
    /// When the stream cannot be opened.
    pub fn events(&self, last_event_id: Option<&str>) -> Result<Events> {
        self.open_events(last_event_id, None)
    }

    /// Reads what followed the event `last_event_id`; the events end with an error once `within` has passed.
    ///
    /// # Errors
    ///
    /// When the stream cannot be opened.
    pub fn replay(&self, last_event_id: &str, within: Duration) -> Result<Events> {
        self.open_events(Some(last_event_id), Some(Instant::now() + within))
    }

    fn open_events(
        &self,
        last_event_id: Option<&str>,
        deadline: Option<Instant>,
    ) -> Result<Events> {
        let client = self.clone();
        let url = format!("{}/v1/events", self.origin);
        let connect = move |last_event_id: Option<&str>, timeout| -> Result<Connection> {
            let mut request = client.authorized(client.agent.get(&url));
            if let Some(id) = last_event_id {
                request = request.header("last-event-id", id);
            }
            let answer = fetch(request.config().timeout_recv_body(timeout).build(), &url)?;
            if !answer.status().is_success() {
                return Err(problem(answer));
            }
            Ok(Box::new(BufReader::new(answer.into_body().into_reader())))
        };
        Events::open(Box::new(connect), last_event_id, deadline).context("the event stream")
    }
}

/// A file that reports how much of it was read.
struct Counted<'a, R, S> {
    file: R,
    bytes: u64,
    sent: &'a mut S,
}

impl<R: Read, S: FnMut(u64)> Read for Counted<'_, R, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes += u64::try_from(count).unwrap_or_default();
        (self.sent)(self.bytes);
        Ok(count)
    }
}

/// A successful response within `timeout`, or `None`. On a connection of its own: a persistent one belongs to a process that may
/// just have died.
pub fn probe(url: &str, timeout: Duration) -> Option<Response<Body>> {
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .proxy(None)
        .build();
    config.new_agent().get(url).call().ok()
}

/// Sends a GET.
fn fetch(request: RequestBuilder<WithoutBody>, url: &str) -> Result<Response<Body>> {
    request
        .call()
        .with_context(|| format!("cannot reach {url}"))
}

fn parse<T: DeserializeOwned>(mut answer: Response<Body>) -> Result<T> {
    if !answer.status().is_success() {
        return Err(problem(answer));
    }
    let text = answer
        .body_mut()
        .read_to_string()
        .context("the response broke off")?;
    serde_json::from_str(&text)
        .with_context(|| format!("the response differs from the contract: {text}"))
}

/// The error of a response that is not a success, from its problem document.
fn problem(mut answer: Response<Body>) -> anyhow::Error {
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
