//! The event stream: its start, resumption, filters and heartbeats.

use std::time::Duration;

use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Client, Event, Events, shared};

use crate::images::made;
use crate::log;

/// Longest wait for the first line of a stream while other stacks use the same cores.
const FIRST_LINE: Duration = Duration::from_secs(10);

async fn watch(client: &Client) -> Events {
    let mut events = client.events("", None).await;
    events.first("snapshot").await;
    events
}

/// Fills a user's log: three small images, from upload to completion.
async fn history(client: &Client) -> Vec<Event> {
    let mut events = watch(client).await;
    for _ in 0..3 {
        let created = made(20, 10, ImageFormat::Png).upload(client).await;
        events
            .next_of("processing_complete", &created.asset_id)
            .await;
    }
    events.seen()[1..].to_vec()
}

fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

/// Events of a stream up to `last`.
async fn up_to(events: &mut Events, last: &Event) -> Vec<Event> {
    events
        .next_matching("the last event", |event| {
            event.id == last.id && event.name == last.name
        })
        .await;
    events.seen().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resumes_after_its_cursor() {
    let stack = shared();
    let alice = stack.caller("stream-1", "alice", "user");
    let log = history(&alice).await;
    log::check_gapless(&log);
    let last = log.last().unwrap();
    for at in [0, log.len() / 2, log.len() - 2] {
        let cursor = log[at].id.as_str();
        let expected = ids(&log[at + 1..]);
        let mut by_header = alice.events("", Some(cursor)).await;
        assert_eq!(ids(&up_to(&mut by_header, last).await), expected);
        let mut by_query = alice
            .events(&format!("?last_event_id={cursor}"), None)
            .await;
        assert_eq!(ids(&up_to(&mut by_query, last).await), expected);
        // The header wins: when a page reconnects, its query is still that of the first connection.
        let mut by_both = alice
            .events(&format!("?last_event_id={}", log[0].id), Some(cursor))
            .await;
        assert_eq!(ids(&up_to(&mut by_both, last).await), expected);
    }
    // From the beginning of the log.
    let generation = last.id.split_once('-').unwrap().0;
    let mut all = alice.events("", Some(&format!("{generation}-0"))).await;
    assert_eq!(ids(&up_to(&mut all, last).await), ids(&log));
    // From the end of the log: only new events.
    let mut end = alice.events("", Some(&last.id)).await;
    let next = alice.create("next.png", "image/png", 10).await;
    end.next_of("upload_started", &next.asset_id).await;
    assert_eq!(end.seen().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_cursor_is_answered_with_reset_and_snapshot() {
    let stack = shared();
    let alice = stack.caller("stream-2", "alice", "user");
    let log = history(&alice).await;
    let mut before = alice.events("", None).await;
    let waiting = alice.create("waiting.png", "image/png", 10).await;
    // From here on the log is at rest: its last event is in the snapshots.
    before.next_of("upload_started", &waiting.asset_id).await;
    let (generation, seq) = log.last().unwrap().id.split_once('-').unwrap();
    let other = u32::from_str_radix(generation, 16).unwrap() ^ 1;
    let other_generation = format!("{other:08x}-{seq}");
    let future = format!("{generation}-999999");
    let upper = format!("{}-{seq}", generation.to_uppercase());
    let huge = format!("{generation}-99999999999999999999999");
    for cursor in [
        "junk",
        "-",
        "0-0",
        &other_generation,
        &future,
        &huge,
        "%F0%9F",
        "1'; DROP TABLE log;--",
    ] {
        let mut events = alice.events("", Some(cursor)).await;
        assert_eq!(events.status, 200);
        let reset = events.first("reset").await;
        let snapshot = events.next_matching("the snapshot", |_| true).await;
        assert_eq!(
            (&*snapshot.name, &snapshot.id),
            ("snapshot", &reset.id),
            "{cursor}"
        );
        assert_eq!(snapshot.data["assets"][0]["id"], waiting.asset_id.as_str());
        // The snapshot's cursor can be resumed.
        let mut resumed = alice.events("", Some(&snapshot.id)).await;
        let next = alice.create("next.png", "image/png", 10).await;
        resumed.next_of("upload_started", &next.asset_id).await;
        events.next_of("upload_started", &next.asset_id).await;
        assert_eq!((resumed.seen().len(), events.seen().len()), (1, 3));
        let _ = alice.delete(&format!("/v1/assets/{}", next.asset_id)).await;
    }
    if upper != log.last().unwrap().id {
        alice.events("", Some(&upper)).await.first("reset").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_a_cursor_begins_with_a_snapshot() {
    let stack = shared();
    let alice = stack.caller("stream-3", "alice", "user");
    let empty = alice.events("", None).await.first("snapshot").await;
    assert_eq!(
        (&empty.data["assets"], &empty.data["jobs"]),
        (&json!([]), &json!([]))
    );
    assert!(empty.id.ends_with("-0"), "{}", empty.id);

    let mut events = watch(&alice).await;
    let done = made(20, 10, ImageFormat::Png).upload(&alice).await;
    events.next_of("processing_complete", &done.asset_id).await;
    let one = alice.create("1.png", "image/png", 10).await;
    let two = alice.create("2.png", "image/png", 10).await;
    let last = events.next_of("upload_started", &two.asset_id).await;
    let snapshot = alice.events("", None).await.first("snapshot").await;
    assert_eq!(snapshot.id, last.id);
    assert_eq!(listed(&snapshot.data), [&two.asset_id, &one.asset_id]);
    // A filter by job is one by its asset, too.
    for query in [
        format!("?job={}", one.job_id),
        format!("?asset={}", one.asset_id),
    ] {
        let filtered = alice.events(&query, None).await.first("snapshot").await;
        assert_eq!(listed(&filtered.data), [&one.asset_id], "{query}");
    }
}

/// Ids of the assets in a snapshot.
fn listed(snapshot: &Value) -> Vec<&Value> {
    let assets = snapshot["assets"].as_array().unwrap().iter();
    assets.map(|asset| &asset["id"]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_select_events() {
    let stack = shared();
    let alice = stack.caller("stream-4", "alice", "user");
    let log = history(&alice).await;
    let first = format!("{}-0", log[0].id.split_once('-').unwrap().0);
    let (asset, job) = (
        log.last().unwrap().asset_id(),
        log.last().unwrap().data["job_id"].as_str().unwrap(),
    );
    let of_asset = |event: &&Event| event.asset_id() == asset;
    let types = ["upload_complete", "processing_complete"];
    let of_types = |event: &&Event| types.contains(&&*event.name);
    for (query, expected) in [
        (
            format!("?asset={asset}"),
            log.iter().filter(of_asset).collect::<Vec<_>>(),
        ),
        (format!("?job={job}"), log.iter().filter(of_asset).collect()),
        (
            format!("?types={}", types.join(",")),
            log.iter().filter(of_types).collect(),
        ),
        (
            format!("?types={}&asset={asset}", types.join(",%20")),
            log.iter().filter(of_asset).filter(of_types).collect(),
        ),
    ] {
        let mut events = alice.events(&query, Some(&first)).await;
        let seen = up_to(&mut events, log.last().unwrap()).await;
        let expected: Vec<&str> = expected.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(ids(&seen), expected, "{query}");
    }
    let waiting = alice.create("a.png", "image/png", 10).await;
    let snapshot = alice
        .events(&format!("?asset={asset}"), None)
        .await
        .first("snapshot")
        .await;
    assert_eq!(snapshot.data["assets"], json!([]));
    let snapshot = alice
        .events(&format!("?asset={}", waiting.asset_id), None)
        .await
        .first("snapshot")
        .await;
    assert_eq!(snapshot.data["assets"][0]["id"], waiting.asset_id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_valid_for_the_stream_alone() {
    let stack = shared();
    let alice = stack.caller("stream-5", "alice", "user");
    let nobody = alice.without_token();
    let answer = alice
        .post("/v1/events/ticket", &Value::Null)
        .await
        .expect(201);
    let ticket = answer["ticket"].as_str().unwrap();

    // Twice: a page reconnects with the same ticket.
    for _ in 0..2 {
        let mut events = nobody.events(&format!("?ticket={ticket}"), None).await;
        events.first("snapshot").await;
        let created = alice.create("a.png", "image/png", 10).await;
        events.next_of("upload_started", &created.asset_id).await;
    }
    let with_ticket = nobody.with_token(ticket);
    for path in ["/v1/assets", "/v1/jobs", "/v1/events"] {
        with_ticket
            .get(path)
            .await
            .expect_problem(401, "token_audience_invalid");
    }
    with_ticket
        .post("/v1/events/ticket", &Value::Null)
        .await
        .expect_problem(401, "token_audience_invalid");
    let token = tests::Token::of("stream-5", "alice", "user").sign_dev();
    for (ticket, code) in [
        (&*token, "token_audience_invalid"),
        ("x", "token_invalid"),
        (ticket.split_at(ticket.len() - 4).0, "token_invalid"),
    ] {
        nobody
            .get(&format!("/v1/events?ticket={ticket}"))
            .await
            .expect_problem(401, code);
    }
    nobody
        .get("/v1/events?ticket=")
        .await
        .expect_problem(400, "query_invalid");
    // A ticket that a service requests for a user shows the user's events.
    let service = stack.caller("stream-5", "back-end", "service");
    let answer = service
        .post("/v1/events/ticket?on_behalf_of=alice", &Value::Null)
        .await
        .expect(201);
    let mut events = nobody
        .events(
            &format!("?ticket={}", answer["ticket"].as_str().unwrap()),
            None,
        )
        .await;
    let snapshot = events.first("snapshot").await;
    assert_eq!(snapshot.data["assets"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::print_stderr,
    reason = "a measurement for the reader; no assertion depends on it"
)]
async fn a_stream_is_not_transformed_and_stays_open() {
    let stack = shared();
    let alice = stack.caller("stream-6", "alice", "user");
    let headers = [
        ("accept-encoding", "gzip, br, zstd"),
        ("accept", "text/event-stream"),
    ];
    let head = alice
        .send_raw(Method::HEAD, "/v1/events", &headers, Vec::new())
        .await;
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-type"), "text/event-stream");

    let mut events = alice.events_with("", &headers).await;
    let header = |name: &str| {
        events
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(header("content-type").as_deref(), Some("text/event-stream"));
    assert_eq!(
        header("cache-control").as_deref(),
        Some("no-cache, no-transform")
    );
    assert_eq!(header("content-encoding"), None);
    assert_eq!(header("content-length"), None);
    events.first("snapshot").await;
    let lines = events.lines();
    assert!(lines[0].text.starts_with("retry: "), "{}", lines[0].text);
    let took = lines[0].at - events.asked_at;
    eprintln!("the first line of the stream arrived after {took:?}");
    assert!(took < FIRST_LINE, "{took:?}");

    // A heartbeat follows 15 s of silence.
    while events.comments().is_empty() {
        let quiet = events.lines().last().unwrap().at.elapsed();
        assert!(quiet < Duration::from_secs(30), "no heartbeat");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let created = alice.create("a.png", "image/png", 10).await;
    events.next_of("upload_started", &created.asset_id).await;
}
