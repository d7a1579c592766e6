//! The event stream: one reader that resumes where a connection ended, so that its caller sees one sequence of events without
//! gaps and without repetitions.
//!
//! WHATWG HTML, "Server-sent events": fields, dispatch at the blank line, `Last-Event-ID`, `retry`.

use std::io::BufRead;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

/// Wait after a connection that failed, unless the server has named another one.
const RETRY: Duration = Duration::from_secs(1);

/// Connections that may fail in a row before the reader gives up.
const FAILURES_MAX: u32 = 5;

/// An event of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id, or that of the last event before it that had one.
    pub id: String,
    /// Its type.
    pub name: String,
    /// Its data, lines joined by `\n`.
    pub data: String,
}

/// Opens a connection that continues after an event id and ends after a timeout at the latest.
type Connect = dyn Fn(Option<&str>, Option<Duration>) -> Result<Connection> + Send;

/// The body of an answer.
pub(crate) type Connection = Box<dyn BufRead + Send>;

/// The events of a stream, over as many connections as it takes. Yields one error when the stream cannot be resumed.
///
/// A connection that ends is resumed after the server's `retry`, or at once without one.
pub struct Events {
    connect: Box<Connect>,
    connection: Option<Connection>,
    last_event_id: Option<String>,
    retry: Option<Duration>,
    deadline: Option<Instant>,
    failures: u32,
    has_failed: bool,
}

impl Events {
    /// Connects, to read what follows `last_event_id`; an error after `deadline`.
    pub(crate) fn open(
        connect: Box<Connect>,
        last_event_id: Option<&str>,
        deadline: Option<Instant>,
    ) -> Result<Self> {
        let mut events = Self {
            connect,
            connection: None,
            last_event_id: last_event_id.map(ToOwned::to_owned),
            retry: None,
            deadline,
            failures: 0,
            has_failed: false,
        };
        events.connection = Some(events.connect()?);
        Ok(events)
    }

    /// Reads to the end of the next event, resuming where a connection ends.
    fn read(&mut self) -> Result<Event> {
        loop {
            let mut connection = match self.connection.take() {
                Some(connection) => connection,
                None => self.connect()?,
            };
            let mut has_answered = false;
            // An event that the end of the connection cuts off is dropped: it comes again.
            let mut draft = Draft::default();
            while let Some(line) = next_line(&mut connection) {
                has_answered = true;
                self.failures = 0;
                if let Some(event) = self.line(&line, &mut draft) {
                    self.connection = Some(connection);
                    return Ok(event);
                }
            }
            if has_answered {
                self.wait(Duration::ZERO);
            } else {
                self.failed(anyhow!("the connection ended without a single line"))?;
            }
        }
    }

    fn line(&mut self, line: &str, draft: &mut Draft) -> Option<Event> {
        match parse(line) {
            Field::Event(value) => value.clone_into(&mut draft.name),
            Field::Data(value) => draft.data.push(value.to_owned()),
            Field::Id(value) => draft.id = Some(value.to_owned()),
            Field::Retry(value) => self.retry = Some(value),
            Field::Other => {}
            Field::End => {
                let Draft { id, name, data } = std::mem::take(draft);
                // Only here: the id of an event that is cut off would skip it.
                self.last_event_id = id.or_else(|| self.last_event_id.take());
                if !data.is_empty() {
                    return Some(Event {
                        id: self.last_event_id.clone().unwrap_or_default(),
                        name,
                        data: data.join("\n"),
                    });
                }
            }
        }
        None
    }

    /// Opens a connection, with further attempts after a failure.
    fn connect(&mut self) -> Result<Connection> {
        loop {
            let timeout = match self.deadline {
                Some(deadline) if deadline <= Instant::now() => {
                    bail!("not all events came in time")
                }
                deadline => deadline.map(|deadline| deadline - Instant::now()),
            };
            let last_event_id = self.last_event_id.as_deref().filter(|id| !id.is_empty());
            match (self.connect)(last_event_id, timeout) {
                Ok(connection) => return Ok(connection),
                Err(error) => self.failed(error)?,
            }
        }
    }

    /// Counts a failure and waits.
    fn failed(&mut self, error: anyhow::Error) -> Result<()> {
        self.failures += 1;
        if self.failures >= FAILURES_MAX {
            return Err(error);
        }
        self.wait(RETRY);
        Ok(())
    }

    /// Waits for the server's `retry`, or else for `default`.
    fn wait(&self, default: Duration) {
        std::thread::sleep(self.retry.unwrap_or(default));
    }
}

impl Iterator for Events {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let event = self.read().context("the event stream");
        self.has_failed = event.is_err();
        Some(event)
    }
}

/// An event that is not complete yet.
#[derive(Debug, Default)]
struct Draft {
    id: Option<String>,
    name: String,
    data: Vec<String>,
}

/// A parsed line of the stream.
#[derive(Debug, PartialEq, Eq)]
enum Field<'a> {
    Event(&'a str),
    Data(&'a str),
    Id(&'a str),
    Retry(Duration),
    End,
    Other,
}

/// The next whole line; `None` when the connection has ended or broken off.
fn next_line(connection: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    connection.read_line(&mut line).ok()?;
    let line = line.strip_suffix('\n')?;
    Some(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

fn parse(line: &str) -> Field<'_> {
    if line.is_empty() {
        return Field::End;
    }
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    let value = value.strip_prefix(' ').unwrap_or(value);
    match name {
        "event" => Field::Event(value),
        "data" => Field::Data(value),
        "id" => Field::Id(value),
        "retry" => value
            .parse()
            .map_or(Field::Other, |ms| Field::Retry(Duration::from_millis(ms))),
        _ => Field::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_parsed_as_in_the_standard() {
        assert_eq!(parse("data: {\"a\": 1}"), Field::Data("{\"a\": 1}"));
        assert_eq!(parse("data:  x"), Field::Data(" x"));
        assert_eq!(parse("id:7"), Field::Id("7"));
        assert_eq!(
            parse("retry: 250"),
            Field::Retry(Duration::from_millis(250))
        );
        assert_eq!(parse("retry: soon"), Field::Other);
        assert_eq!(parse(": heartbeat"), Field::Other);
        assert_eq!(parse(""), Field::End);
    }
}
