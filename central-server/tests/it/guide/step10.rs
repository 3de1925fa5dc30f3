//! Step 10: the deployment, looked at through `curl` and a browser as the guide says.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use neopro_central::health::VERSION;
use serde_json::Value;

use super::document::Document;
use super::{Service, at, browser, differences};
use crate::support::{Cluster, contract};

/// What a shell answers to pasted lines.
fn bash(lines: &str) -> String {
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", lines]).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let output = shell.output().expect("the program `bash`");
    // The progress that curl shows on the other channel is no answer.
    assert!(output.status.success(), "{lines}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// 10.1: the address, and the answer that the guide expects.
pub fn health(port: u16) {
    let guide = Document::original();
    let section = guide.section("10.1.");
    let answer = bash(&format!("curl --silent --show-error '{}'", at(port, section.block("").trim())));
    assert!(answer.contains(r#""status":"healthy""#), "what a monitor searches for, without a blank: {answer}");

    let expected: Value = serde_json::from_str(section.block("json")).expect("the guide's answer is JSON");
    let shown: Value = serde_json::from_str(&answer).expect("the answer is JSON");
    assert_eq!(shown["status"], expected["status"]);
    let wanted = keys(section.block("json"));
    assert_eq!(wanted, ["status", "timestamp", "version"]);
    assert_eq!(keys(&answer)[..3], wanted, "first and in this order: {answer}");
    let time = shown["timestamp"].as_str().expect("a time");
    assert!(time.len() == 24 && time.starts_with("20") && time.as_bytes()[10] == b'T' && time.ends_with('Z'), "{time}");
    assert_eq!(shown["version"], VERSION);
    if shown["version"] != expected["version"] {
        differences::instead_of(r#"  "version": "1.0.0""#);
    }
}

/// The names in an object of JSON, in the order of the text.
fn keys(json: &str) -> Vec<String> {
    let parts: Vec<&str> = json.split('"').collect();
    let named = parts.windows(2).skip(1).step_by(2).filter(|pair| pair[1].trim_start().starts_with(':'));
    named.map(|pair| pair[0].to_owned()).collect()
}

/// 10.2: three lines of `curl`.
pub fn api(port: u16) {
    let lines = at(port, Document::original().section("10.2.").block("bash"));
    let output = bash(&lines);
    let answers: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&output).into_iter().collect();
    let answers = answers.unwrap_or_else(|error| panic!("{error}: {output}"));
    let states: Vec<&str> = answers.iter().filter_map(|answer| answer["status"].as_str()).collect();
    assert_eq!(states, ["healthy", "ok", "ready"], "{output}");
}

/// 10.4: the page shows every operation of the API, and asks nobody but us.
pub fn documentation(port: u16) {
    let guide = Document::original();
    let url = at(port, guide.section("10.4.").code(|code| code.ends_with("/api-docs")));
    let page = browser::open(&url);
    let shown: BTreeSet<(String, String)> =
        page.dom.split("opblock-summary-method\">").skip(1).map(operation).collect();
    let documented: BTreeSet<(String, String)> =
        contract::operations().into_iter().map(|(path, method, _)| (method, path)).collect();
    assert!(documented.len() >= 14, "{documented:?}");
    assert_eq!(shown, documented);

    let ours = at(port, &format!("{}/", super::HOST));
    assert!(page.requests.iter().any(|request| request.ends_with("/openapi.json")), "{:?}", page.requests);
    for request in &page.requests {
        assert!(request.starts_with(&ours), "the page asks somebody else: {request}");
    }
}

/// The method and the path of one bar of the page.
fn operation(bar: &str) -> (String, String) {
    let method = bar.split('<').next().expect("a method");
    let path = bar.split("data-path=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a path");
    (method.to_owned(), path.to_owned())
}

#[tokio::test]
async fn a_fresh_server_on_an_empty_database_is_healthy_within_five_seconds() {
    let db = Cluster::get().empty().await;
    let start = Instant::now();
    let service = Service::on(&db).await;
    health(service.port());
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_browser_shows_the_answer_of_step_10_1() {
    let db = Cluster::get().migrated().await;
    let service = Service::on(&db).await;
    let page = browser::open(&at(service.port(), Document::original().section("10.1.").block("").trim()));
    assert!(page.dom.contains(r#"{"status":"healthy","timestamp":"#), "{}", page.dom);
}

#[test]
fn keys_are_read_in_their_order() {
    assert_eq!(keys(r#"{"b": "a:b", "a" : {"c":1}}"#), ["b", "a", "c"]);
}
