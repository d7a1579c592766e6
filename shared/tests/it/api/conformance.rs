//! Serialized values match the OpenAPI document: samples of every response and event, with and without their optional members,
//! are validated against their schemas.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::api::{CompleteAsset, CreateAsset, DrainWorker, openapi};
use shared::worker::queue::{AckMessages, PullMessages};
use shared::worker::{FailJob, FinishJob, HeartbeatJob, RegisterWorker, ReleaseJob};

use crate::sample::samples;

/// A small JSON Schema validator. It supports the keywords that the document uses and panics for any other.
struct Schemas(Value);

impl Schemas {
    fn named(&self, name: &str) -> &Value {
        &self.0["components"]["schemas"][name]
    }

    /// The violations in `value`; empty if it is valid.
    fn faults(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let mut faults = Vec::new();
        for (word, rule) in schema.as_object().unwrap() {
            match word.as_str() {
                "$ref" => {
                    let target = self
                        .0
                        .pointer(rule.as_str().unwrap().trim_start_matches('#'));
                    faults.extend(self.faults(target.unwrap(), value, at));
                }
                "oneOf" => {
                    let options = rule.as_array().unwrap().iter();
                    let fitting =
                        options.filter(|option| self.faults(option, value, at).is_empty());
                    if fitting.count() != 1 {
                        faults.push(format!("{at}: not exactly one of the options fits {value}"));
                    }
                }
                "type" if !is_of_type(rule, value) => {
                    faults.push(format!("{at}: {value} is not {rule}"));
                }
                "enum" if !rule.as_array().unwrap().contains(value) => {
                    faults.push(format!("{at}: {value} is none of {rule}"));
                }
                "required" => faults.extend(missing(rule, value, at)),
                "properties" => faults.extend(self.members(schema, value, at)),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        faults.extend(self.faults(rule, item, &format!("{at}[{index}]")));
                    }
                }
                "minimum" if value.as_f64() < rule.as_f64() && value.is_number() => {
                    faults.push(format!("{at}: {value} is below {rule}"));
                }
                "maximum" if value.as_f64() > rule.as_f64() && value.is_number() => {
                    faults.push(format!("{at}: {value} is above {rule}"));
                }
                "minItems" if length(value) < rule.as_u64() => {
                    faults.push(format!("{at}: fewer than {rule} items"));
                }
                "maxItems" if length(value) > rule.as_u64() => {
                    faults.push(format!("{at}: more than {rule} items"));
                }
                "type"
                | "enum"
                | "minimum"
                | "maximum"
                | "minItems"
                | "maxItems"
                | "default"
                | "description"
                | "examples"
                | "format"
                | "contentMediaType"
                | "contentSchema"
                | "pattern"
                | "minLength"
                | "maxLength"
                | "additionalProperties"
                | "propertyNames" => {}
                other => panic!("the validator does not support {other}"),
            }
        }
        faults
    }

    /// Violations in the members of an object. A member that the schema does not declare is also a violation.
    fn members(&self, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let properties = schema["properties"].as_object().unwrap();
        let mut faults = Vec::new();
        for (name, member) in value.as_object().into_iter().flatten() {
            match properties.get(name) {
                Some(schema) => faults.extend(self.faults(schema, member, &format!("{at}.{name}"))),
                None => faults.push(format!("{at}: {name} is not in the document")),
            }
        }
        faults
    }
}

/// Number of items of an array.
fn length(value: &Value) -> Option<u64> {
    value
        .as_array()
        .map(|items| u64::try_from(items.len()).unwrap())
}

fn is_of_type(rule: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        "string" => value.is_string(),
        other => panic!("{other} is not a type of JSON Schema"),
    };
    rule.as_array()
        .map_or_else(|| is(rule), |names| names.iter().any(is))
}

fn missing(rule: &Value, value: &Value, at: &str) -> Vec<String> {
    let names = rule
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap());
    let absent = names.filter(|name| value.is_object() && value.get(name).is_none());
    absent
        .map(|name| format!("{at}: {name} is missing"))
        .collect()
}

fn schemas() -> Schemas {
    Schemas(serde_json::to_value(openapi()).unwrap())
}

#[test]
fn every_sample_fits_its_schema() {
    let schemas = schemas();
    for (name, sample) in samples(true).into_iter().chain(samples(false)) {
        let faults = schemas.faults(schemas.named(name), &sample, name);
        assert_eq!(faults, Vec::<String>::new(), "{sample}");
    }
}

#[test]
fn every_response_has_a_sample() {
    let document = schemas().0;
    let paths = document["paths"].as_object().unwrap().values();
    let responses = paths
        .flat_map(|path| path.as_object().unwrap().values())
        .flat_map(|operation| operation["responses"].as_object().unwrap().values());
    let answered: BTreeSet<String> = responses
        .filter_map(|response| response["content"]["application/json"]["schema"]["$ref"].as_str())
        .map(|reference| reference.replace("#/components/schemas/", ""))
        .collect();
    let sampled: BTreeSet<String> = samples(true)
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    assert_eq!(
        answered.difference(&sampled).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
}

/// Calls `see` with the content of every request and response: the path to it, whether it is that of a request, and the content.
fn contents(document: &Value, mut see: impl FnMut(&str, bool, &Value)) {
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            let request = &operation["requestBody"]["content"]["application/json"];
            if request.is_object() {
                see(path, true, request);
            }
            for response in operation["responses"].as_object().unwrap().values() {
                let content = &response["content"]["application/json"];
                if content.is_object() {
                    see(path, false, content);
                }
            }
        }
    }
}

#[test]
fn every_body_has_an_example_that_fits_and_shows_every_member() {
    let schemas = schemas();
    let mut count = 0;
    contents(&schemas.0, |path, _, content| {
        let (schema, example) = (&content["schema"], &content["example"]);
        assert!(example.is_object(), "{path} has no example");
        assert_eq!(
            schemas.faults(schema, example, path),
            Vec::<String>::new(),
            "{example}"
        );
        let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let properties = schemas.named(name)["properties"].as_object().unwrap();
        let absent: Vec<&String> = properties
            .keys()
            .filter(|property| example.get(property).is_none())
            .collect();
        assert_eq!(absent, Vec::<&String>::new(), "example of {name}");
        count += 1;
    });
    assert!(count > 30, "{count}");
}

#[test]
fn the_example_of_the_stream_is_an_event() {
    let schemas = schemas();
    let content = &schemas.0["paths"]["/v1/events"]["get"]["responses"]["200"]["content"];
    let content = &content["text/event-stream"];
    let example = &content["example"];
    let faults = schemas.faults(&content["schema"], example, "event");
    assert_eq!(faults, Vec::<String>::new(), "{example}");
    let data: Value = serde_json::from_str(example["data"].as_str().unwrap()).unwrap();
    let schema = &schemas.named("ServerSentEvent")["properties"]["data"]["contentSchema"];
    let faults = schemas.faults(schema, &data, "data");
    assert_eq!(faults, Vec::<String>::new(), "{data}");
}

#[test]
fn parameters_have_examples_that_fit() {
    let schemas = schemas();
    let paths = schemas.0["paths"].as_object().unwrap();
    for (path, item) in paths {
        for operation in item.as_object().unwrap().values() {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let (schema, example) = (&parameter["schema"], &parameter["example"]);
                assert_eq!(
                    schemas.faults(schema, example, path),
                    Vec::<String>::new(),
                    "{parameter}"
                );
            }
        }
    }
}

#[test]
fn examples_of_requests_are_read() {
    fn read<T: serde::de::DeserializeOwned>(example: &Value) {
        let read = shared::json::body::<T>(example.to_string().as_bytes());
        read.map_err(|failure| failure.detail).unwrap();
    }
    let mut names = BTreeSet::new();
    contents(&schemas().0, |_, is_request, content| {
        if !is_request {
            return;
        }
        let reference = content["schema"]["$ref"].as_str().unwrap();
        let (name, example) = (reference.rsplit('/').next().unwrap(), &content["example"]);
        match name {
            "CreateAsset" => read::<CreateAsset>(example),
            "CompleteAsset" => read::<CompleteAsset>(example),
            "DrainWorker" => read::<DrainWorker>(example),
            "RegisterWorker" => read::<RegisterWorker>(example),
            "PullMessages" => read::<PullMessages>(example),
            "AckMessages" => read::<AckMessages>(example),
            "HeartbeatJob" => read::<HeartbeatJob>(example),
            "FinishJob" => read::<FinishJob>(example),
            "FailJob" => read::<FailJob>(example),
            "ReleaseJob" => read::<ReleaseJob>(example),
            other => panic!("a request of another type: {other}"),
        }
        names.insert(name.to_owned());
    });
    assert_eq!(names.len(), 10);
}

#[test]
fn the_validator_finds_faults() {
    let schemas = schemas();
    let count = |change: fn(&mut Value)| {
        let mut sample = samples(true)
            .into_iter()
            .find(|(name, _)| *name == "Asset")
            .unwrap()
            .1;
        change(&mut sample);
        schemas
            .faults(schemas.named("Asset"), &sample, "Asset")
            .len()
    };
    assert_eq!(count(|_| {}), 0);
    assert_eq!(count(|asset| asset["size_bytes"] = json!("1")), 1);
    assert_eq!(count(|asset| asset["size_bytes"] = json!(-1)), 1);
    assert_eq!(count(|asset| asset["state"] = json!("done")), 1);
    assert_eq!(count(|asset| asset["surprise"] = json!(1)), 1);
    assert_eq!(count(|asset| asset["owner"]["id"] = json!(null)), 1);
    assert_eq!(count(|asset| asset["outputs"][0]["url"] = json!(null)), 1);
    assert_eq!(
        count(|asset| asset["error"] = json!({"code": "image_truncated"})),
        1
    );
    assert_eq!(
        count(|asset| drop(asset.as_object_mut().unwrap().remove("id"))),
        1
    );
}
