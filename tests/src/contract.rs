//! Validates every answer and every event against `docs/openapi.json`; undeclared fields are errors.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use crate::{Answer, root};

/// Paths of the local runtime: buckets, cron.
const NOT_OURS: &str = "/cdn-cgi/";

/// The document with compiled validators.
struct Contract {
    /// Path templates, split at slashes, with their path items.
    paths: Vec<(Vec<String>, Value)>,
    /// The document itself.
    document: Value,
    /// A validator for each component schema.
    schemas: BTreeMap<String, Validator>,
}

fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let text = std::fs::read_to_string(root().join("docs/openapi.json"));
        let mut document: Value = serde_json::from_str(&text.expect("docs/openapi.json"))
            .expect("docs/openapi.json is JSON");
        close(&mut document["components"]["schemas"]);
        let components = &document["components"];
        let names = components["schemas"].as_object().expect("schemas").keys();
        let schemas = names.map(|name| {
            let schema =
                json!({"$ref": format!("#/components/schemas/{name}"), "components": components});
            let validator = jsonschema::options()
                .with_draft(Draft::Draft202012)
                .should_validate_formats(true)
                .build(&schema);
            (name.clone(), validator.expect("a valid schema"))
        });
        let schemas = schemas.collect();
        let paths = document["paths"].as_object().expect("paths");
        let segments = |path: &str| path.split('/').map(str::to_owned).collect();
        Contract {
            schemas,
            paths: paths
                .iter()
                .map(|(path, item)| (segments(path), item.clone()))
                .collect(),
            document,
        }
    })
}

/// Adds `additionalProperties: false` to every object: an undeclared field is an error of the document or of the answer.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Contract {
    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let segments: Vec<&str> = path.split('/').collect();
        let fits = |template: &[String]| {
            template.len() == segments.len()
                && template
                    .iter()
                    .zip(&segments)
                    .all(|(one, other)| one.starts_with('{') || one == other)
        };
        let (_, item) = self.paths.iter().find(|(template, _)| fits(template))?;
        item.get(method.to_lowercase())
    }

    /// Name of the component schema of a JSON answer.
    fn schema(&self, method: &str, path: &str, status: u16) -> Option<&str> {
        let responses = &self.operation(method, path)?["responses"];
        let response = responses.get(status.to_string())?;
        response["content"]["application/json"]["schema"]["$ref"]
            .as_str()?
            .rsplit('/')
            .next()
    }

    /// Checks that the operation declares the code of a problem: its examples are named after the codes.
    fn check_code(&self, what: &str, method: &str, path: &str, problem: &Value) {
        let Some(operation) = self.operation(method, path) else {
            return;
        };
        let response = &operation["responses"][problem["status"].to_string()];
        let response = match response["$ref"].as_str() {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')),
            None => Some(response),
        };
        let examples = |response: &Value| {
            let content = &response["content"]["application/problem+json"];
            content["examples"].as_object().cloned()
        };
        let declared = response.and_then(examples).unwrap_or_default();
        assert!(
            problem["code"]
                .as_str()
                .is_some_and(|code| declared.contains_key(code)),
            "{what} has an undeclared code:\n{problem:#}"
        );
    }

    fn check(&self, what: &str, name: &str, value: &Value) {
        let validator = self
            .schemas
            .get(name)
            .unwrap_or_else(|| panic!("no schema {name}"));
        let errors: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(
            errors.is_empty(),
            "{what} does not match {name}:\n{}\n{value:#}",
            errors.join("\n")
        );
    }
}

/// Checks an answer of the API.
pub(crate) fn check(method: &str, path: &str, answer: &Answer) {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if path.starts_with(NOT_OURS) {
        return;
    }
    let what = format!("the answer {} to {}", answer.status, answer.request);
    assert!(
        answer.status < 500,
        "{what} is an internal error\n{}",
        answer.text()
    );
    let request_id = answer.header("x-request-id");
    assert!(request_id.starts_with("req_"), "{what} has no x-request-id");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    if answer.body.is_empty() {
        return;
    }
    let media_type = answer.header("content-type");
    let document = || -> Value {
        serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{what}: {error}"))
    };
    if answer.status >= 400 {
        assert_eq!(
            media_type,
            "application/problem+json",
            "{what}\n{}",
            answer.text()
        );
        let problem = document();
        contract().check(&what, "Problem", &problem);
        assert_eq!(problem["request_id"], request_id, "{what}");
        assert_eq!(problem["status"], answer.status, "{what}");
        contract().check_code(&what, method, path, &problem);
    } else if media_type == "application/json" {
        let name = contract().schema(method, path, answer.status);
        let name = name.unwrap_or_else(|| panic!("{what} is not in the contract"));
        contract().check(&what, name, &document());
    }
}

/// Checks the data of an event.
pub(crate) fn check_event(name: &str, data: &Value) {
    assert_eq!(data["type"], name, "{data}");
    let schema = match name {
        "snapshot" => "Snapshot",
        "reset" => "Reset",
        _ => "Event",
    };
    contract().check("an event", schema, data);
}
