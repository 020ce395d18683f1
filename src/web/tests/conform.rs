//! Holds every answer of a test against the API's description.

use std::sync::LazyLock;

use serde_json::Value;
use uuid::Uuid;

use crate::model::Timestamp;
use crate::web::api;

/// The description, as it is answered.
pub(super) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(api::document()).unwrap());
const PROBLEM: &str = "application/problem+json";

/// Fails the test if an answer to `method` of `path`, which is a whole one, is not as described.
pub(super) fn check(method: &str, path: &str, status: u16, kind: &str, body: &[u8]) {
    let Some(path) = path.strip_prefix("/api/v1").filter(|_| method != "HEAD") else { return };
    let told = || format!("{method} {path}: {status} {kind}: {}", String::from_utf8_lossy(body));
    let Some(operation) = operation(method, path) else {
        assert!([401, 403, 404, 405].contains(&status), "not described: {}", told());
        let schema = &DOCUMENT["components"]["schemas"]["Problem"];
        assert_eq!(conforms(schema, &serde_json::from_slice(body).unwrap()), Ok(()), "{}", told());
        return;
    };
    let answer = resolved(&operation["responses"][status.to_string()]);
    assert!(answer.is_object(), "no such status is described: {}", told());
    let schema = &answer["content"][kind]["schema"];
    assert!(!schema.is_null(), "no such kind is described: {}", told());
    assert_eq!(status >= 400, kind == PROBLEM, "{}", told());
    if kind.ends_with("json") {
        assert_eq!(conforms(schema, &serde_json::from_slice(body).unwrap()), Ok(()), "{}", told());
    }
}

/// What is said of a method of a path; names before placeholders.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let (template, path): (Vec<&str>, Vec<&str>) =
            (template.split('/').collect(), path.split('/').collect());
        let same = |(part, is): (&&str, &&str)| part == is || (part.starts_with('{') && !is.is_empty());
        template.len() == path.len() && template.iter().zip(&path).all(same)
    };
    let mut found: Vec<&String> = paths.keys().filter(|template| fits(template)).collect();
    found.sort_by_key(|template| template.matches('{').count());
    paths[*found.first()?].get(method.to_ascii_lowercase())
}

/// What a reference stands for.
pub(super) fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(place) => DOCUMENT.pointer(place.trim_start_matches('#')).unwrap_or(&Value::Null),
        None => value,
    }
}

/// As much of JSON Schema as the description uses.
fn conforms(schema: &'static Value, value: &Value) -> Result<(), String> {
    let schema = resolved(schema);
    let fault = |what: &str| Err(format!("{value} is {what}, by {schema}"));
    for (key, all) in [("oneOf", false), ("anyOf", false), ("allOf", true)] {
        let Some(parts) = schema[key].as_array() else { continue };
        let good = parts.iter().filter(|part| conforms(part, value).is_ok()).count();
        if good == 0 || (all && good < parts.len()) {
            return fault(key);
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    if !types.is_empty() && !types.iter().any(|kind| is(kind, value)) {
        return fault("of another type");
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        return fault("none of these");
    }
    if let Some(text) = value.as_str() {
        let good = match schema["format"].as_str() {
            Some("date-time") => text.parse::<Timestamp>().is_ok(),
            Some("uuid") => text.parse::<Uuid>().is_ok(),
            _ => true,
        };
        if !good {
            return fault("of another format");
        }
    }
    if let Some(items) = value.as_array().filter(|_| !schema["items"].is_null()) {
        items.iter().try_for_each(|item| conforms(&schema["items"], item))?;
    }
    members(schema, value)
}

fn members(schema: &'static Value, value: &Value) -> Result<(), String> {
    let Some(members) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            return Err(format!("{name} is missing in {value}"));
        }
    }
    let Some(known) = schema["properties"].as_object() else { return Ok(()) };
    for (name, value) in members {
        match known.get(name) {
            Some(schema) => conforms(schema, value).map_err(|fault| format!("{name}: {fault}"))?,
            None if schema.get("additionalProperties").is_some() => {}
            None => return Err(format!("{name} is not described")),
        }
    }
    Ok(())
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}
