//! The event stream of the demo: one connection, opened again where it broke off.

use std::io::{BufRead as _, BufReader};
use std::sync::mpsc::Sender;
use std::time::Duration;

use super::client::Client;
use super::state::Happening;

/// Wait before the stream is opened again, unless the server names another.
const RETRY: Duration = Duration::from_secs(1);

/// Connections that may fail one after the other before the demo gives up.
const FAILURES_MAX: u32 = 5;

/// A line of the stream, taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Field<'a> {
    Event(&'a str),
    Data(&'a str),
    Id(&'a str),
    Retry(Duration),
    End,
    Other,
}

/// Follows the stream in a thread of its own, until nobody listens to `sender`.
pub(super) fn follow(client: Client, sender: Sender<Happening>) {
    std::thread::spawn(move || {
        let mut reader = Reader {
            sender,
            last_event_id: None,
            retry: RETRY,
        };
        let mut failures = 0;
        loop {
            match reader.read(&client) {
                Ok(true) => failures = 0,
                Ok(false) => return,
                Err(error) => {
                    failures += 1;
                    if failures >= FAILURES_MAX {
                        let _ = reader
                            .sender
                            .send(Happening::StreamFailed(format!("{error:#}")));
                        return;
                    }
                }
            }
            std::thread::sleep(reader.retry);
        }
    });
}

struct Reader {
    sender: Sender<Happening>,
    last_event_id: Option<String>,
    retry: Duration,
}

impl Reader {
    /// Reads one connection to its end; false when nobody listens any more.
    fn read(&mut self, client: &Client) -> anyhow::Result<bool> {
        let answer = client.events(self.last_event_id.as_deref())?;
        if self.sender.send(Happening::StreamOpen).is_err() {
            return Ok(false);
        }
        let (mut name, mut data) = (String::new(), Vec::new());
        for line in BufReader::new(answer.into_body().into_reader()).lines() {
            match parse(&line?) {
                Field::Event(value) => value.clone_into(&mut name),
                Field::Data(value) => data.push(value.to_owned()),
                Field::Id(value) => self.last_event_id = Some(value.to_owned()),
                Field::Retry(value) => self.retry = value,
                Field::Other => {}
                Field::End => {
                    let event = Happening::Event {
                        name: std::mem::take(&mut name),
                        data: data.join("\n"),
                    };
                    if !std::mem::take(&mut data).is_empty() && self.sender.send(event).is_err() {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }
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
    fn lines_are_read_as_the_standard_says() {
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
