//! Responses of an operation: its success, and the problems that follow from its row of the contract table.

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::{
    ContentBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
    Type,
};

use super::{examples, json, register};
use crate::api::{Answer, Op};
use crate::event::EventType;
use crate::problem::ErrorCode;

/// Statuses whose codes are the same for every operation that has them, and the name of that response.
const SHARED: [(u16, &str); 7] = [
    (401, "Unauthorized"),
    (403, "Forbidden"),
    (404, "NotFound"),
    (413, "BodyTooLarge"),
    (415, "UnsupportedContentType"),
    (500, "InternalError"),
    (503, "Unavailable"),
];

fn header(description: &str, example: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .example(Some(example.into()))
        .build()
}

/// Name of the header that every answer has.
const REQUEST_ID: &str = "X-Request-Id";

/// Headers that operations share, by name.
pub(super) fn headers() -> [(&'static str, Header); 1] {
    let request_id = header(
        "Id of the request, as in the service's log.",
        examples::REQUEST,
    );
    [(REQUEST_ID, request_id)]
}

fn described(description: impl Into<String>) -> ResponseBuilder {
    let request_id = Ref::new(format!("#/components/headers/{REQUEST_ID}"));
    ResponseBuilder::new()
        .description(description)
        .header_ref(REQUEST_ID, request_id)
}

/// Headers of every answer about a file.
fn of_file(response: ResponseBuilder) -> ResponseBuilder {
    response
        .header(
            "ETag",
            header(
                "Validator of the file; strong.",
                "\"5f3a9c01d2e4b6870123456789abcdef\"",
            ),
        )
        .header(
            "Last-Modified",
            header("When the file was stored.", "Thu, 01 Jan 2026 00:00:00 GMT"),
        )
        .header(
            "Cache-Control",
            header(
                "How long the file may be cached. Files of private assets only by the browser.",
                "public, max-age=31536000, immutable",
            ),
        )
}

/// The bytes of a file.
fn bytes(response: ResponseBuilder) -> ResponseBuilder {
    let binary = ObjectBuilder::new().schema_type(Type::String);
    let content = ContentBuilder::new()
        .schema(Some(binary))
        .description(Some("The bytes, with the media type of the file."))
        .build();
    of_file(response)
        .header("Accept-Ranges", header("Always `bytes`.", "bytes"))
        .content("*/*", content)
}

/// One event of a stream, with its fields by name.
fn server_sent_event() -> RefOr<Schema> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let data = ["Event", "Snapshot", "Reset"].map(Ref::from_schema_name);
    let data = data
        .into_iter()
        .fold(OneOfBuilder::new(), OneOfBuilder::item);
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some("An event of the stream, by the fields of its lines."))
        .property(
            "id",
            text().description(Some("Cursor of this event, for `Last-Event-ID`.")),
        )
        .property(
            "event",
            text()
                .description(Some("Type of the event."))
                .enum_values(Some(EventType::WORDS.iter().copied())),
        )
        .property(
            "data",
            text()
                .description(Some("The event as JSON on one line."))
                .content_media_type("application/json")
                .content_schema(Some(Schema::OneOf(data.build()))),
        )
        .required("id")
        .required("event")
        .required("data")
        .into()
}

/// The answer of a success.
pub(super) fn success<Resp: ToSchema + 'static>(
    op: Op,
    schemas: &mut Vec<(String, RefOr<Schema>)>,
) -> Response {
    match op.answer() {
        Answer::Json => {
            let schema = register::<Resp>(schemas);
            described("Success.").content("application/json", json::<Resp>(schema))
        }
        Answer::Empty if op.status() == 302 => described("A redirect to the file.").header(
            "Location",
            header("Signed URL of the original.", examples::ORIGINAL_URL),
        ),
        Answer::Empty => described("Success, without a body."),
        Answer::EventStream => {
            let name = "ServerSentEvent";
            schemas.push((name.to_owned(), server_sent_event()));
            // Before OpenAPI 3.2 the schema of a stream is that of each event.
            let stream = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name(name)))
                .example(Some(examples::server_sent_event()))
                .build();
            described(
                "Server-sent events. Between them, the stream has comments, and `retry` says when to reconnect.",
            )
            .content("text/event-stream", stream)
        }
        Answer::Bytes => bytes(described("The whole file.")),
    }
    .build()
}

/// All other answers, by status.
pub(super) fn others(op: Op) -> BTreeMap<String, RefOr<Response>> {
    let mut others = BTreeMap::new();
    if op.answer() == Answer::Bytes {
        let range = |example| header("Which part of the file this is.", example);
        let part = bytes(described("The requested range."))
            .header("Content-Range", range("bytes 0-1023/146515"));
        let outside = described("The range lies outside of the file; without a body.")
            .header("Content-Range", range("bytes */146515"));
        let answers = [
            ("206", part),
            (
                "304",
                of_file(described("The copy of the client is current.")),
            ),
            (
                "412",
                described("A condition of the request does not hold; without a body."),
            ),
            ("416", outside),
        ];
        others.extend(answers.map(|(status, answer)| (status.to_owned(), answer.build().into())));
    }
    let codes = op.errors();
    for status in statuses(&codes) {
        let shared = SHARED.iter().find(|(shared, _)| *shared == status);
        let response = shared.map_or_else(
            || problem(&of_status(&codes, status)).into(),
            |(_, name)| RefOr::Ref(Ref::from_response_name(*name)),
        );
        others.insert(status.to_string(), response);
    }
    others
}

fn statuses(codes: &[ErrorCode]) -> Vec<u16> {
    let mut statuses: Vec<u16> = codes.iter().map(|code| code.status()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn of_status(codes: &[ErrorCode], status: u16) -> Vec<ErrorCode> {
    let codes = codes.iter().copied();
    codes.filter(|code| code.status() == status).collect()
}

/// A problem with one of these codes.
fn problem(codes: &[ErrorCode]) -> Response {
    let lines: Vec<String> = codes
        .iter()
        .map(|code| format!("- `{}`: {}", code.as_str(), code.title()))
        .collect();
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(codes.iter().map(|code| {
            let (name, example) = examples::problem(*code);
            (name, RefOr::T(example))
        }))
        .build();
    let response = described(lines.join("\n")).content("application/problem+json", content);
    let is_challenge = codes.first().is_some_and(|code| code.status() == 401);
    if is_challenge {
        let challenge = header(
            "How to authenticate; without `error` if no token was sent.",
            r#"Bearer error="invalid_token""#,
        );
        response.header("WWW-Authenticate", challenge).build()
    } else {
        response.build()
    }
}

/// Responses that operations share, by name.
pub(super) fn shared() -> BTreeMap<String, Response> {
    let all: Vec<ErrorCode> = Op::ALL.iter().flat_map(|op| op.errors()).collect();
    SHARED
        .iter()
        .map(|&(status, name)| {
            let codes = ErrorCode::ALL.iter().copied();
            let codes = codes.filter(|code| code.status() == status && all.contains(code));
            (name.to_owned(), problem(&codes.collect::<Vec<_>>()))
        })
        .collect()
}
