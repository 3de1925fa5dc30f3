//! The server's public interface, by `curl`: for what is asked seldom and not measured.

use std::process::Command;

use serde_json::Value;

use crate::steps::output;

/// `curl` as an administrator.
pub struct Curl {
    pub port: u16,
    pub token: String,
}

impl Curl {
    pub fn send(&self, arguments: &[&str], path: &str) -> Result<Value, String> {
        let said = output(
            Command::new("curl")
                .args(["-sS", "--fail-with-body", "-H", &format!("Authorization: Bearer {}", self.token)])
                .args(arguments)
                .arg(format!("http://127.0.0.1:{}{path}", self.port)),
        )?;
        serde_json::from_str(&said).map_err(|error| format!("{path} answers \"{said}\": {error}"))
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.send(&["-H", "Content-Type: application/json", "-d", &body.to_string()], path)
    }
}
