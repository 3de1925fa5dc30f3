//! The OpenAPI document as a judge: closed schemas, documented statuses, no secret in any answer.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::http::Method;
use jsonschema::Validator;
use neopro_central::app::App;
use serde_json::{Map, Value, json};

use super::Answer;

/// The document as it is served.
pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(App::openapi()).expect("the document is JSON"));

/// The schemas, closed: an answer with a field that is not described fails.
static CLOSED: LazyLock<Value> = LazyLock::new(|| close_components(&DOCUMENT));

/// Every operation: path, method, and its description.
pub fn operations() -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, methods) in DOCUMENT["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            operations.push((path.clone(), method.to_uppercase(), operation.clone()));
        }
    }
    operations
}

/// Holds an answer against the contract.
pub fn check(method: &Method, path: &str, answer: &Answer) {
    for secret in ["sha256:", "$argon2", "$2a$", "$2b$", "$2y$", "password_hash", "mfa_secret"] {
        assert!(!answer.text.contains(secret), "{method} {path} shows {secret}: {}", answer.text);
    }
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
    assert!(!answer.header("content-security-policy").is_empty(), "{method} {path}");
    // Stored bytes are no operations of the API; `storage.rs` looks at them.
    let beside = path.starts_with("/api-docs") || path.starts_with("/storage/");
    if *method == Method::OPTIONS || beside {
        return;
    }
    if answer.status >= 400 && *method != Method::HEAD {
        check_failure(method, path, answer);
    }
    let reading = if *method == Method::HEAD { Method::GET } else { method.clone() };
    if answer.status == 405 {
        return; // described once, for every address
    }
    let Some(operation) = find(&reading, path) else {
        // The dashboard's files are no operations of the API; `pages.rs` looks at them.
        let is_page = answer.header("content-security-policy").contains("script-src 'self'");
        assert!(matches!(answer.status, 404 | 431) || is_page, "{method} {path}: undocumented, yet {}", answer.status);
        return;
    };
    let response = &operation["responses"][answer.status.to_string()];
    assert!(response.is_object(), "{method} {path}: {} is not documented: {}", answer.status, answer.text);
    if *method == Method::HEAD || answer.status == 304 {
        return;
    }
    let media = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
    let schema = &response["content"][&media]["schema"];
    assert!(schema.is_object(), "{method} {path} {}: {media:?} is not documented", answer.status);
    if media == "application/json" {
        validate(schema, &answer.json(), &format!("{method} {path} {}", answer.status));
    }
}

fn check_failure(method: &Method, path: &str, answer: &Answer) {
    let body = answer.json();
    if body.get("checks").is_some() {
        return; // `/health?strict=1` and `/ready` report instead
    }
    let sentence = body["error"].as_str().unwrap_or_default();
    assert!(sentence.ends_with('.') && sentence.len() > 10, "{method} {path}: no sentence in {body}");
    assert!(body["code"].is_string() && body["request_id"].is_string(), "{method} {path}: {body}");
    assert_eq!(body["request_id"].as_str(), Some(answer.header("x-request-id")), "{method} {path}");
}

/// The operation that answers a path.
pub fn find(method: &Method, path: &str) -> Option<Value> {
    let path = path.split('?').next().unwrap_or_default();
    let wanted: Vec<&str> = path.split('/').collect();
    let (_, operations) = DOCUMENT["paths"].as_object()?.iter().find(|(template, _)| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == wanted.len()
            && parts.iter().zip(&wanted).all(|(part, word)| part == word || (part.starts_with('{') && !word.is_empty()))
    })?;
    operations.get(method.as_str().to_lowercase()).cloned()
}

/// The judge of a schema of the document. To make one is to read the whole document, which takes longer than most requests.
fn validator(schema: &Value) -> Arc<Validator> {
    static MADE: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let judge = made.entry(schema.to_string()).or_insert_with(|| {
        let mut root = close(schema, false).as_object().cloned().unwrap_or_default();
        root.insert("components".into(), CLOSED.clone());
        Arc::new(jsonschema::draft202012::new(&Value::Object(root)).expect("a valid schema"))
    });
    Arc::clone(judge)
}

/// Asserts that a value fits a schema of the document.
pub fn validate(schema: &Value, value: &Value, what: &str) {
    let validator = validator(schema);
    let problems: Vec<String> =
        validator.iter_errors(value).map(|problem| format!("{}: {problem}", problem.instance_path())).collect();
    assert!(problems.is_empty(), "{what} does not fit its schema:\n{}\n{value:#}", problems.join("\n"));
}

fn close_components(document: &Value) -> Value {
    let mut schemas = Map::new();
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        schemas.insert(name.clone(), close(schema, false));
        // Within `allOf` a part must not judge the fields of its neighbours.
        schemas.insert(format!("{name}.part"), close(schema, true));
    }
    json!({ "schemas": schemas })
}

fn close(schema: &Value, part: bool) -> Value {
    let Value::Object(fields) = schema else { return schema.clone() };
    let mut closed = Map::new();
    for (key, value) in fields {
        let value = match (key.as_str(), value) {
            ("allOf", Value::Array(parts)) => Value::Array(parts.iter().map(|inner| close(inner, true)).collect()),
            ("oneOf" | "anyOf" | "prefixItems", Value::Array(choices)) => {
                Value::Array(choices.iter().map(|inner| close(inner, false)).collect())
            }
            ("properties", Value::Object(properties)) => {
                Value::Object(properties.iter().map(|(name, inner)| (name.clone(), close(inner, false))).collect())
            }
            ("items" | "additionalProperties", inner) => close(inner, false),
            ("$ref", Value::String(target)) if part => Value::String(format!("{target}.part")),
            (_, other) => other.clone(),
        };
        closed.insert(key.clone(), value);
    }
    let is_object = fields.contains_key("properties") || fields.contains_key("allOf");
    if is_object && !part && !fields.contains_key("additionalProperties") {
        closed.insert("unevaluatedProperties".into(), Value::Bool(false));
    }
    Value::Object(closed)
}
