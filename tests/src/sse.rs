//! The event stream, read with an independent parser; every event and line is kept.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use eventsource_stream::Eventsource as _;
use futures_util::StreamExt as _;
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::contract;

/// Default wait for one event: other stacks may use the same cores.
const TIMEOUT: Duration = Duration::from_mins(1);

/// One event, as parsed.
#[derive(Debug, Clone)]
pub struct Event {
    /// `id:`, or that of the last event that had one.
    pub id: String,
    /// `event:`.
    pub name: String,
    /// `data:` as JSON.
    pub data: Value,
    /// Time of arrival.
    pub at: Instant,
}

impl Event {
    /// Id of the asset.
    #[must_use]
    pub fn asset_id(&self) -> &str {
        self.data["asset_id"].as_str().unwrap_or_default()
    }

    /// Whether this is event `name` of this asset.
    #[must_use]
    pub fn is(&self, name: &str, asset_id: &str) -> bool {
        self.name == name && self.asset_id() == asset_id
    }
}

/// One raw line of the stream, including comments.
#[derive(Debug, Clone)]
pub struct Line {
    /// The line without its end.
    pub text: String,
    /// Time of arrival of the line end.
    pub at: Instant,
}

/// An open stream. Dropping it closes the connection.
#[derive(Debug)]
pub struct Events {
    /// Status of the answer.
    pub status: u16,
    /// Headers of the answer.
    pub headers: HeaderMap,
    /// When the request was sent.
    pub asked_at: Instant,
    patience: Duration,
    receiver: UnboundedReceiver<Event>,
    seen: Vec<Event>,
    lines: Arc<Mutex<Vec<Line>>>,
    reader: JoinHandle<()>,
}

impl Events {
    pub(crate) async fn open(request: RequestBuilder) -> Self {
        let asked_at = Instant::now();
        let response = request
            .send()
            .await
            .unwrap_or_else(|error| panic!("the event stream: {error:?}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let (sender, receiver) = unbounded_channel();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let reader = tokio::spawn(read(response, sender, Arc::clone(&lines)));
        Self {
            status,
            headers,
            asked_at,
            patience: TIMEOUT,
            receiver,
            seen: Vec::new(),
            lines,
            reader,
        }
    }

    /// Sets the wait for an event.
    #[must_use]
    pub const fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The next event; `None` when the stream has ended or no event arrived within `wait`.
    pub async fn next_within(&mut self, wait: Duration) -> Option<Event> {
        let event = tokio::time::timeout(wait, self.receiver.recv())
            .await
            .ok()??;
        contract::check_event(&event.name, &event.data);
        self.seen.push(event.clone());
        Some(event)
    }

    /// Waits for an event for which `wanted` is true; events before it are kept.
    pub async fn next_matching(&mut self, what: &str, wanted: impl Fn(&Event) -> bool) -> Event {
        let deadline = Instant::now() + self.patience;
        loop {
            let wait = deadline.saturating_duration_since(Instant::now());
            match self.next_within(wait).await {
                Some(event) if wanted(&event) => return event,
                Some(_) => {}
                None => panic!("{what} did not arrive; received:\n{}", self.summary()),
            }
        }
    }

    /// Waits for the next event `name` of this asset.
    pub async fn next_of(&mut self, name: &str, asset_id: &str) -> Event {
        self.next_matching(&format!("{name} of {asset_id}"), |event| {
            event.is(name, asset_id)
        })
        .await
    }

    /// Waits for the first event, whose name must be `name`.
    pub async fn first(&mut self, name: &str) -> Event {
        let event = self.next_matching("the first event", |_| true).await;
        assert_eq!(event.name, name, "{}", event.data);
        event
    }

    /// Waits until each asset has one of the events `names`.
    pub async fn all_of(&mut self, names: &[&str], asset_ids: &[&str]) {
        for asset_id in asset_ids {
            let had = |event: &Event| {
                names.contains(&event.name.as_str()) && event.asset_id() == *asset_id
            };
            if !self.seen.iter().any(had) {
                let what = format!("{names:?} of {asset_id}");
                let _ = self.next_matching(&what, had).await;
            }
        }
    }

    /// Waits for the end of the stream; events before it are kept.
    pub async fn closed_within(&mut self, wait: Duration) {
        let deadline = Instant::now() + wait;
        while let Some(event) = {
            let left = deadline.saturating_duration_since(Instant::now());
            tokio::time::timeout(left, self.receiver.recv())
                .await
                .expect("the stream should have ended")
        } {
            contract::check_event(&event.name, &event.data);
            self.seen.push(event);
        }
    }

    /// Every event so far.
    #[must_use]
    pub fn seen(&self) -> &[Event] {
        &self.seen
    }

    /// Names of the events of an asset so far, in order.
    #[must_use]
    pub fn names_of(&self, asset_id: &str) -> Vec<&str> {
        self.seen
            .iter()
            .filter(|event| event.asset_id() == asset_id)
            .map(|event| event.name.as_str())
            .collect()
    }

    /// `id` of the last event that had one.
    #[must_use]
    pub fn last_id(&self) -> Option<&str> {
        self.seen
            .iter()
            .rev()
            .map(|event| event.id.as_str())
            .find(|id| !id.is_empty())
    }

    /// Every raw line so far.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.lines.lock().expect("the lines").clone()
    }

    /// Comment lines so far: the heartbeats.
    #[must_use]
    pub fn comments(&self) -> Vec<Line> {
        self.lines()
            .into_iter()
            .filter(|line| line.text.starts_with(':'))
            .collect()
    }

    fn summary(&self) -> String {
        let line = |event: &Event| format!("{:>24}  {:<22} {}", event.id, event.name, event.data);
        self.seen.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(
    response: reqwest::Response,
    sender: UnboundedSender<Event>,
    lines: Arc<Mutex<Vec<Line>>>,
) {
    let mut rest = Vec::new();
    let bytes = response.bytes_stream().inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            keep_lines(&mut rest, chunk, &lines);
        }
    });
    let mut events = std::pin::pin!(bytes.eventsource());
    // A connection error ends the reader; the test then gets no more events.
    while let Some(Ok(event)) = events.next().await {
        let data = serde_json::from_str(&event.data).unwrap_or(Value::String(event.data));
        if sender
            .send(Event {
                id: event.id,
                name: event.event,
                data,
                at: Instant::now(),
            })
            .is_err()
        {
            return;
        }
    }
}

fn keep_lines(rest: &mut Vec<u8>, chunk: &[u8], lines: &Mutex<Vec<Line>>) {
    rest.extend_from_slice(chunk);
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line: Vec<u8> = rest.drain(..=end).collect();
        let text = String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_owned();
        lines.lock().expect("the lines").push(Line {
            text,
            at: Instant::now(),
        });
    }
}
