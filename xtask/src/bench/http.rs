//! As much HTTP as the bench needs, by hand, so that no client's start-up is measured.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// The status of an answer and all that followed.
pub struct Answer {
    pub status: u16,
    pub text: String,
}

pub fn get(port: u16, path: &str) -> std::io::Result<Answer> {
    exchange(port, &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"))
}

pub fn post_json(port: u16, path: &str, body: &str) -> std::io::Result<Answer> {
    let length = body.len();
    exchange(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

/// A request with a session; with a body, it is a POST.
pub fn request(port: u16, path: &str, token: &str, body: Option<&str>) -> std::io::Result<Answer> {
    let method = if body.is_some() { "POST" } else { "GET" };
    let kind = body.map_or_else(String::new, |body| {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
    });
    exchange(
        port,
        &format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\n{kind}\r\n{}",
            body.unwrap_or_default()
        ),
    )
}

fn exchange(port: u16, request: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()) {
        Some(status) => Ok(Answer { status, text }),
        None => Err(std::io::Error::other("an answer that is not HTTP/1.1")),
    }
}
