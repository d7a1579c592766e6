//! Parameters of an operation: from its path, its query and its headers.

use serde_json::Value;
use utoipa::PartialSchema as _;
use utoipa::openapi::path::{
    Parameter as Documented, ParameterBuilder, ParameterIn, ParameterStyle,
};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Required, Schema, Type};

use crate::api::{Answer, Form, Op, Parameter};
use crate::auth::NAME_MAX_BYTES;
use crate::id::{AssetId, JobId};
use crate::message::QUEUE;

/// Every parameter of an operation.
pub(super) fn of(op: Op) -> Vec<Documented> {
    let path = op
        .path()
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| in_path(name.trim_start_matches('*')));
    let query = op.query().iter().map(|parameter| in_query(*parameter));
    path.chain(query).chain(headers(op)).collect()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A text of at most `max` bytes that matches `pattern`.
fn label(max: usize, pattern: &str) -> RefOr<Schema> {
    text()
        .min_length(Some(1))
        .max_length(Some(max))
        .pattern(Some(pattern))
        .into()
}

/// The name of a user: no control characters.
pub(super) fn user_name() -> RefOr<Schema> {
    label(NAME_MAX_BYTES, r"^[^\u0000-\u001F\u007F-\u009F]+$")
}

/// Key of an output: see [`crate::key`].
const KEY: &str = "^m/ast_[0-7][0-9A-HJKMNP-TV-Z]{25}/[0-9]+-[0-9a-f]{16}/[A-Za-z0-9._/-]+$";
/// Path token: see [`crate::sign::path_token`].
const TOKEN: &str = r"^ast_[0-7][0-9A-HJKMNP-TV-Z]{25}\.[0-9]+\.[A-Za-z0-9_-]{43}$";
/// File below an asset.
const FILE: &str = "^[A-Za-z0-9._/-]+$";

fn in_path(name: &str) -> Documented {
    let (schema, description, example): (RefOr<Schema>, _, _) = match name {
        "asset_id" => (
            AssetId::schema(),
            "Id of the asset.",
            super::examples::ASSET,
        ),
        "job_id" => (JobId::schema(), "Id of the job.", super::examples::JOB),
        "queue" => (
            text().enum_values(Some([QUEUE])).into(),
            "Name of the queue: there is one.",
            QUEUE,
        ),
        "worker_id" => (
            user_name(),
            "Id of the worker: the `sub` of its token.",
            "worker-1",
        ),
        "key" => (
            text().pattern(Some(KEY)).into(),
            "Key of the object, as in the URL of an output.",
            "m/ast_01KDVDNM00041061050R3GG28A/1-5f3a9c01d2e4b687/large.webp",
        ),
        "token" => (
            text().pattern(Some(TOKEN)).into(),
            "Path token, as in the URL of an output of a private asset.",
            "ast_01KDVDNM00041061050R3GG28A.1767225600.n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
        ),
        _ => (
            text().pattern(Some(FILE)).into(),
            "Path of the file below the asset, as in the URL of an output; or `original`.",
            "original",
        ),
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(description))
        .schema(Some(schema))
        .example(Some(example.into()))
        .build()
}

fn in_query(parameter: Parameter) -> Documented {
    let mut builder = ParameterBuilder::new()
        .name(parameter.name())
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(parameter.description()))
        .schema(Some(schema(parameter.form())))
        .example(Some(example(parameter)));
    if matches!(parameter.form(), Form::Words(_)) {
        builder = builder
            .style(Some(ParameterStyle::Form))
            .explode(Some(false));
    }
    builder.build()
}

fn schema(form: Form) -> RefOr<Schema> {
    match form {
        Form::Word(words) => text().enum_values(Some(words.iter().copied())).into(),
        Form::Words(words) => ArrayBuilder::new()
            .items(text().enum_values(Some(words.iter().copied())))
            .min_items(Some(1))
            .into(),
        Form::Integer { min, max, default } => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(min))
            .maximum(Some(max))
            .default(default.map(Into::into))
            .into(),
        Form::AssetId | Form::AssetCursor => AssetId::schema(),
        Form::JobId | Form::JobCursor => JobId::schema(),
        Form::User => user_name(),
        Form::Label(max) => label(max, r"^[^\u0000]+$"),
        Form::Text => text().min_length(Some(1)).into(),
    }
}

/// An example of a value, of the type that the schema has.
fn example(parameter: Parameter) -> Value {
    let example = parameter.example();
    match parameter.form() {
        Form::Integer { .. } => example.parse::<u32>().map_or(Value::Null, Value::from),
        Form::Words(_) => example.split(',').collect(),
        Form::Word(_)
        | Form::AssetId
        | Form::JobId
        | Form::AssetCursor
        | Form::JobCursor
        | Form::User
        | Form::Label(_)
        | Form::Text => example.into(),
    }
}

/// Request headers that an operation reads, besides `Authorization` and `Content-Type`: name, description, example.
const OF_FILES: [(&str, &str, &str); 6] = [
    (
        "Range",
        "Part of the file: one range of bytes. Ignored by HEAD; several ranges are answered with the whole file.",
        "bytes=0-1023",
    ),
    (
        "If-Range",
        "Validator of the file that the range belongs to: if it does not match, the answer is the whole file.",
        "\"5f3a9c01d2e4b6870123456789abcdef\"",
    ),
    (
        "If-None-Match",
        "Validators of copies that the client has: if one matches, the answer is 304.",
        "\"5f3a9c01d2e4b6870123456789abcdef\"",
    ),
    (
        "If-Modified-Since",
        "Date of the copy that the client has: if the file was not modified since, the answer is 304.",
        "Thu, 01 Jan 2026 00:00:00 GMT",
    ),
    (
        "If-Match",
        "Validators of the file that the client expects: if none matches, the answer is 412.",
        "\"5f3a9c01d2e4b6870123456789abcdef\"",
    ),
    (
        "If-Unmodified-Since",
        "Date of the file that the client expects: if the file was modified since, the answer is 412.",
        "Thu, 01 Jan 2026 00:00:00 GMT",
    ),
];

/// The header by which an `EventSource` resumes.
const OF_STREAMS: [(&str, &str, &str); 1] = [(
    "Last-Event-ID",
    "Id of the last event received; an `EventSource` sends it by itself. If the log cannot be resumed from there, the stream starts with `reset` and `snapshot`.",
    "5f3a9c01-42",
)];

fn headers(op: Op) -> impl Iterator<Item = Documented> {
    let headers: &[_] = match op.answer() {
        Answer::Bytes => &OF_FILES,
        Answer::EventStream => &OF_STREAMS,
        Answer::Json | Answer::Empty => &[],
    };
    headers.iter().map(|(name, description, example)| {
        ParameterBuilder::new()
            .name(*name)
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(*description))
            .schema(Some(text()))
            .example(Some((*example).into()))
            .build()
    })
}
