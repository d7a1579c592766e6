//! The event stream against a server that closes its connections.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::Client;
use client::sse::Event;

/// The connections that a server accepted.
struct Accepted {
    at: Instant,
    last_event_id: Option<String>,
}

/// Answers one connection after the other with `bodies` and closes each behind its body; then the port is closed.
fn serve(bodies: Vec<(&'static str, &'static str)>) -> (String, JoinHandle<Vec<Accepted>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let answer = |(framing, body): (&str, &str)| {
            let (mut stream, _) = listener.accept().unwrap();
            let accepted = Accepted {
                at: Instant::now(),
                last_event_id: last_event_id(&stream),
            };
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
            write!(stream, "{head}{framing}\r\n\r\n{body}").unwrap();
            accepted
        };
        bodies.into_iter().map(answer).collect()
    });
    (origin, server)
}

/// Reads a request; its `Last-Event-ID`.
fn last_event_id(stream: &TcpStream) -> Option<String> {
    let lines = BufReader::new(stream).lines().map(Result::unwrap);
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let found = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("last-event-id").then_some(value)
    });
    found.map(ToOwned::to_owned)
}

/// The end of the connection is the end of the body.
const UNTIL_CLOSED: &str = "connection: close";
/// Longer than what is sent: the connection breaks off in the middle.
const TOO_LONG: &str = "content-length: 100000";

#[test]
fn a_stream_that_ends_in_the_middle_is_resumed_without_loss_or_repetition() {
    let (origin, server) = serve(vec![
        // Breaks off within the third event, after its id and its data.
        (
            TOO_LONG,
            "retry: 120\n\nid: 1\nevent: a\ndata: 1\n\nid: 2\nevent: a\ndata: 2\n\nid: 3\nevent: a\ndata: 3\n",
        ),
        // Ends between two events.
        (UNTIL_CLOSED, ": heartbeat\n\nid: 3\nevent: a\ndata: 3\n\n"),
        // Ends within a line.
        (UNTIL_CLOSED, "retry: 0\n\nid: 4\ndata: 4\n\nid: 5\nda"),
        (UNTIL_CLOSED, "id: 5\r\ndata: 5\r\ndata: five\r\n\r\n"),
    ]);
    let events = Client::new(&origin, "token".to_owned())
        .events(None)
        .unwrap();
    let events: Vec<Event> = events.take(5).map(Result::unwrap).collect();
    let ids: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5"]);
    assert_eq!(events[2].name, "a");
    assert_eq!(events[4].data, "5\nfive");

    let accepted = server.join().unwrap();
    let resumed: Vec<Option<&str>> = accepted
        .iter()
        .map(|connection| connection.last_event_id.as_deref())
        .collect();
    assert_eq!(resumed, [None, Some("2"), Some("3"), Some("4")]);
    let waits: Vec<Duration> = accepted
        .windows(2)
        .map(|pair| pair[1].at - pair[0].at)
        .collect();
    let retry = Duration::from_millis(120);
    assert!(waits[0] >= retry && waits[1] >= retry, "{waits:?}");
    assert!(waits[2] < retry, "`retry: 0` is at once: {waits:?}");
}

#[test]
fn a_stream_begins_after_a_given_event() {
    let (origin, server) = serve(vec![(UNTIL_CLOSED, "id: 8\ndata: x\n\n")]);
    let client = Client::new(&origin, "token".to_owned());
    let event = client.events(Some("7")).unwrap().next().unwrap().unwrap();
    assert_eq!(event.id, "8");
    let accepted = server.join().unwrap();
    assert_eq!(accepted[0].last_event_id.as_deref(), Some("7"));
}

#[test]
fn a_server_that_is_gone_ends_the_stream_with_one_error() {
    let (origin, server) = serve(vec![(UNTIL_CLOSED, "retry: 1\n\nid: 1\ndata: x\n\n")]);
    let mut events = Client::new(&origin, "token".to_owned())
        .events(None)
        .unwrap();
    events.next().unwrap().unwrap();
    server.join().unwrap();
    assert!(events.next().unwrap().is_err());
    assert!(events.next().is_none());
}

#[test]
fn a_replay_that_is_not_complete_ends_at_its_deadline() {
    let silence = (UNTIL_CLOSED, "retry: 100\n\n");
    let (origin, server) = serve(vec![silence; 2]);
    let client = Client::new(&origin, "token".to_owned());
    let within = Duration::from_millis(150);
    let error = client
        .replay("7", within)
        .unwrap()
        .next()
        .unwrap()
        .unwrap_err();
    assert!(format!("{error:#}").contains("in time"), "{error:#}");
    server.join().unwrap();
}
