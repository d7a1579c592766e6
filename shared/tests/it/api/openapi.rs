//! The OpenAPI document is complete, consistent, and up to date in `docs/openapi.json`. The README's table of operations, which
//! is generated from the same rows, is also up to date.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use shared::api::{Access, Answer, Op, openapi};
use shared::asset::limit::SINGLE_PUT_MAX_BYTES;
use shared::asset::media::{FILENAME_MAX_BYTES, MediaType};
use shared::asset::{OWNER_ID_MAX_BYTES, OWNER_TYPE_MAX_BYTES};
use shared::auth::NAME_MAX_BYTES;
use shared::json::INTEGER_MAX;
use shared::problem::ErrorCode;
use shared::worker::queue::BATCH_MAX;
use shared::worker::{ENCODERS_MAX, SLOTS_MAX, WORKER_NAME_MAX_BYTES};

use crate::checkout;

fn text() -> String {
    format!("{}\n", serde_json::to_string_pretty(&openapi()).unwrap())
}

fn document() -> Value {
    serde_json::from_str(&text()).unwrap()
}

fn object<'json>(value: &'json Value, at: &str) -> &'json Map<String, Value> {
    value
        .pointer(at)
        .and_then(Value::as_object)
        .unwrap_or_else(|| panic!("no object at {at}"))
}

/// Calls `see` with every object of the document.
fn walk(value: &Value, see: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            see(members);
            members.values().for_each(|member| walk(member, see));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_file_is_fresh() {
    checkout::assert_fresh("docs/openapi.json", &text());
}

#[test]
fn it_has_a_title_and_a_version() {
    let document = document();
    let version = document["openapi"].as_str().unwrap();
    assert!(version.starts_with("3.1."), "{version}");
    assert_eq!(document["info"]["title"], "Ferrotype");
    assert!(document["info"]["version"].is_string());
}

fn operation(document: &Value, op: Op) -> &Value {
    let path = op.path().replace("{*", "{");
    &document["paths"][path][op.method().as_str().to_lowercase()]
}

#[test]
fn it_has_every_operation_and_no_other() {
    let document = document();
    for &op in Op::ALL {
        let operation = operation(&document, op);
        assert_eq!(operation["operationId"], op.name());
        assert!(
            operation["summary"].as_str().unwrap().ends_with('.'),
            "{op:?}"
        );
        let statuses: BTreeSet<&str> = object(operation, "/responses")
            .keys()
            .map(String::as_str)
            .collect();
        let status = op.status().to_string();
        let mut expected = BTreeSet::from([status.as_str()]);
        if op.answer() == Answer::Bytes {
            expected.extend(["206", "304", "412", "416"]);
        }
        let problems: Vec<String> = op
            .errors()
            .iter()
            .map(|code| code.status().to_string())
            .collect();
        expected.extend(problems.iter().map(String::as_str));
        assert_eq!(statuses, expected, "{op:?}");
    }
    let count: usize = object(&document, "/paths")
        .values()
        .map(|item| item.as_object().unwrap().len())
        .sum();
    assert_eq!(count, Op::ALL.len());
}

#[test]
fn responses_have_their_media_type() {
    let document = document();
    for &op in Op::ALL {
        let response = &operation(&document, op)["responses"][op.status().to_string()];
        assert!(response["description"].is_string());
        let types: Vec<&str> = response["content"]
            .as_object()
            .map(|content| content.keys().map(String::as_str).collect())
            .unwrap_or_default();
        let expected: &[&str] = match op.answer() {
            Answer::Json => &["application/json"],
            Answer::Empty => &[],
            Answer::EventStream => &["text/event-stream"],
            Answer::Bytes => &["*/*"],
        };
        assert_eq!(types, expected, "{op:?}");
        if op.answer() == Answer::Json {
            assert!(
                response["content"]["application/json"]["schema"]["$ref"].is_string(),
                "{op:?}"
            );
        }
    }
}

#[test]
fn parameters_are_those_of_the_table() {
    let document = document();
    for &op in Op::ALL {
        let mut found = BTreeSet::new();
        for parameter in operation(&document, op)["parameters"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let place = parameter["in"].as_str().unwrap();
            assert_eq!(parameter["required"], place == "path", "{op:?}");
            let name = parameter["name"].as_str().unwrap();
            let expected = match name {
                "limit" | "expires_in" => "integer",
                "types" => "array",
                _ => "string",
            };
            assert_eq!(parameter["schema"]["type"], expected, "{op:?}");
            let description = parameter["description"].as_str().unwrap();
            assert!(description.ends_with('.'), "{op:?}: {name}: {description}");
            assert!(!parameter["example"].is_null(), "{op:?}: {name}");
            assert!(found.insert((place, name)), "{op:?}");
        }
        let headers: &[&str] = match op.answer() {
            Answer::EventStream => &["Last-Event-ID"],
            Answer::Bytes => &[
                "Range",
                "If-Range",
                "If-None-Match",
                "If-Modified-Since",
                "If-Match",
                "If-Unmodified-Since",
            ],
            Answer::Json | Answer::Empty => &[],
        };
        let path = op
            .path()
            .split('/')
            .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let expected = path
            .map(|name| ("path", name.trim_start_matches('*')))
            .chain(op.query().iter().map(|one| ("query", one.name())))
            .chain(headers.iter().map(|name| ("header", *name)))
            .collect();
        assert_eq!(found, expected, "{op:?}");
    }
}

#[test]
fn security_is_that_of_the_table() {
    let document = document();
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
    for &op in Op::ALL {
        let expected = match op.access() {
            Access::Public => Value::Null,
            Access::Mixed | Access::Ticket => serde_json::json!([{"bearer": []}, {}]),
            Access::User | Access::Worker | Access::Admin => serde_json::json!([{"bearer": []}]),
        };
        assert_eq!(operation(&document, op)["security"], expected, "{op:?}");
    }
}

#[test]
fn bodies_are_there_where_the_table_has_them() {
    let document = document();
    let with_body: Vec<(Op, &Value)> = Op::ALL
        .iter()
        .map(|&op| (op, &operation(&document, op)["requestBody"]))
        .filter(|(_, body)| !body.is_null())
        .collect();
    let bodies: Vec<(Op, &Value)> = with_body
        .iter()
        .map(|&(op, body)| (op, &body["required"]))
        .collect();
    let (needed, optional) = (Value::Bool(true), Value::Bool(false));
    assert_eq!(
        bodies,
        [
            (Op::CreateAsset, &needed),
            (Op::CompleteAsset, &optional),
            (Op::RegisterWorker, &needed),
            (Op::PullMessages, &optional),
            (Op::AckMessages, &needed),
            (Op::HeartbeatJob, &needed),
            (Op::FinishJob, &needed),
            (Op::FailJob, &needed),
            (Op::ReleaseJob, &needed),
            (Op::DrainWorker, &needed),
        ]
    );
    for (op, body) in with_body {
        assert!(
            body["content"]["application/json"]["schema"]["$ref"].is_string(),
            "{op:?}"
        );
    }
}

#[test]
fn no_text_contains_a_rustdoc_link() {
    let mut count = 0;
    walk(&document(), &mut |members| {
        let texts =
            ["description", "summary"].map(|name| members.get(name).and_then(Value::as_str));
        for text in texts.into_iter().flatten() {
            for link in ["[`", "`]", "crate::", "super::", "](", "Op::"] {
                assert!(!text.contains(link), "{text}");
            }
            count += 1;
        }
    });
    assert!(count > Op::ALL.len());
}

#[test]
fn every_reference_resolves() {
    let document = document();
    let mut count = 0;
    walk(&document, &mut |members| {
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(
                document.pointer(pointer).is_some_and(Value::is_object),
                "{reference}"
            );
            count += 1;
        }
    });
    assert!(count > Op::ALL.len());
}

#[test]
fn every_schema_uses_json_schema_types() {
    let types = [
        "null", "boolean", "object", "array", "number", "string", "integer",
    ];
    let document = document();
    let schemas = object(&document, "/components/schemas");
    for (name, schema) in schemas {
        walk(schema, &mut |members| {
            for word in members
                .get("type")
                .into_iter()
                .flat_map(|found| match found {
                    Value::Array(words) => words.clone(),
                    Value::String(_) => vec![found.clone()],
                    // A property with the name `type`.
                    Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {
                        Vec::new()
                    }
                })
            {
                assert!(types.contains(&word.as_str().unwrap()), "{name}: {word}");
            }
            // A keyword of OpenAPI 3.0 that 3.1 does not have.
            assert!(!members.contains_key("nullable"), "{name}");
            for needed in members
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                let properties = members["properties"].as_object().unwrap();
                assert!(
                    properties.contains_key(needed.as_str().unwrap()),
                    "{name}: {needed}"
                );
            }
        });
    }
}

/// The codes that a response of `op` lists.
fn listed<'json>(document: &'json Value, op: Op, status: &str) -> BTreeSet<&'json str> {
    let response = &operation(document, op)["responses"][status];
    let response = match response["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => response,
    };
    let problem = &response["content"]["application/problem+json"];
    assert_eq!(problem["schema"]["$ref"], "#/components/schemas/Problem");
    let examples = problem["examples"].as_object().unwrap();
    for (code, example) in examples {
        assert_eq!(example["value"]["code"], **code);
        assert_eq!(example["value"]["status"].to_string(), status);
        let description = response["description"].as_str().unwrap();
        assert!(description.contains(&format!("`{code}`")));
    }
    examples.keys().map(String::as_str).collect()
}

#[test]
fn problems_are_those_of_the_table() {
    let document = document();
    for &op in Op::ALL {
        for code in op.errors() {
            let codes = listed(&document, op, &code.status().to_string());
            assert!(codes.contains(code.as_str()), "{op:?}: {codes:?}");
        }
    }
    let create = listed(&document, Op::CreateAsset, "400");
    for code in [
        "query_invalid",
        "json_invalid",
        "request_invalid",
        "file_too_large",
    ] {
        assert!(create.contains(code), "{create:?}");
    }
    assert!(!listed(&document, Op::GetAsset, "400").contains("cursor_invalid"));
    assert!(listed(&document, Op::ListJobs, "400").contains("cursor_invalid"));
    assert_eq!(
        Op::GetMedia.errors(),
        [
            ErrorCode::NotFound,
            ErrorCode::Unavailable,
            ErrorCode::Internal
        ]
    );
    assert_eq!(Op::Healthz.errors(), [ErrorCode::Internal]);
}

#[test]
fn every_integer_has_a_range() {
    let mut count = 0;
    walk(&document(), &mut |members| {
        let is_integer = match &members.get("type") {
            Some(Value::Array(types)) => types.iter().any(|one| one == "integer"),
            Some(one) => *one == "integer",
            None => false,
        };
        if is_integer {
            let bound = |name: &str| members[name].as_u64().unwrap();
            assert!(bound("minimum") <= bound("maximum"), "{members:?}");
            assert!(bound("maximum") <= INTEGER_MAX, "{members:?}");
            count += 1;
        }
    });
    assert!(count > 50, "{count}");
}

#[test]
fn limits_are_those_of_the_service() {
    let document = document();
    let schema = |name: &str, property: &str| {
        let schema = &document["components"]["schemas"][name]["properties"][property];
        assert!(schema.is_object(), "{name}.{property}");
        schema.clone()
    };
    let size = schema("CreateAsset", "size_bytes");
    assert_eq!(size["maximum"], SINGLE_PUT_MAX_BYTES);
    let filename = schema("CreateAsset", "filename");
    assert_eq!(filename["maxLength"], FILENAME_MAX_BYTES);
    assert_eq!(
        schema("CreateAsset", "on_behalf_of")["maxLength"],
        NAME_MAX_BYTES
    );
    assert_eq!(schema("Owner", "type")["maxLength"], OWNER_TYPE_MAX_BYTES);
    assert_eq!(schema("Owner", "id")["maxLength"], OWNER_ID_MAX_BYTES);
    assert_eq!(schema("RegisterWorker", "slots")["maximum"], SLOTS_MAX);
    assert_eq!(schema("RegisterWorker", "slots")["minimum"], 1);
    assert_eq!(
        schema("RegisterWorker", "encoders")["maxItems"],
        ENCODERS_MAX
    );
    for name in ["version", "ffmpeg_version"] {
        assert_eq!(
            schema("RegisterWorker", name)["maxLength"],
            WORKER_NAME_MAX_BYTES
        );
    }
    assert_eq!(schema("PullMessages", "batch_size")["maximum"], BATCH_MAX);
    assert_eq!(schema("CompleteAsset", "parts")["maxItems"], 0);
    let codes: Vec<&str> = ErrorCode::ALL
        .iter()
        .filter(|code| code.is_of_worker())
        .map(|code| code.as_str())
        .collect();
    assert_eq!(schema("FailJob", "code")["enum"], Value::from(codes));
    let types: Vec<&str> = MediaType::ALL.iter().map(|one| one.as_str()).collect();
    assert_eq!(
        schema("CreateAsset", "content_type")["enum"],
        Value::from(types)
    );
}

#[test]
fn every_property_has_a_description() {
    let document = document();
    for (name, schema) in object(&document, "/components/schemas") {
        walk(schema, &mut |members| {
            let properties = members.get("properties").and_then(Value::as_object);
            for (property, schema) in properties.into_iter().flatten() {
                let described =
                    schema.to_string().contains("\"description\":") || schema["$ref"].is_string();
                assert!(described, "{name}.{property} has no description");
            }
        });
    }
}

fn table_of_operations() -> String {
    let document = document();
    let mut table =
        "| operation | method and path | token | answer |\n|---|---|---|---|\n".to_owned();
    for &op in Op::ALL {
        let token = match op.access() {
            Access::Public => "–",
            Access::Mixed if op == Op::GetOriginal => "unless public video or audio",
            Access::Mixed => "for private",
            Access::Ticket => "yes, or a ticket",
            Access::User => "yes",
            Access::Worker => "worker",
            Access::Admin => "admin",
        };
        let (method, path, status) = (op.method().as_str(), op.path(), op.status());
        let summary = operation(&document, op)["summary"].as_str().unwrap();
        let name = summary.trim_end_matches('.');
        writeln!(table, "| {name} | `{method} {path}` | {token} | {status} |").unwrap();
    }
    table
}

#[test]
fn the_readme_shows_every_operation() {
    let (start, end) = (
        "<!-- operations: written by `UPDATE=1 cargo test -p shared` -->\n",
        "<!-- end of operations -->",
    );
    let readme = checkout::read("README.md");
    let (before, rest) = readme
        .split_once(start)
        .expect("README.md has the start mark");
    let (_, after) = rest.split_once(end).expect("README.md has the end mark");
    checkout::assert_fresh(
        "README.md",
        &format!("{before}{start}{}{end}{after}", table_of_operations()),
    );
}
