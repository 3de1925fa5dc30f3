//! One call of the interface: its headers, its tries, its patience.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, header};
use futures_util::stream;
use hyper::body::Incoming;
use serde_json::Value;

use super::answer::{Verdict, judge};
use crate::config::Secret;
use crate::notify::https;
use crate::storage::wire::{self, Pulse, jitter, pieces};
use crate::storage::{Again, Error, Trouble};

/// How often a call is tried in all.
const TRIES: u32 = 3;
/// The pause after the first try that failed; the next one is three times as long.
const PAUSE: Duration = Duration::from_millis(300);
/// How long a call without a file may take, all its tries included: a request of a person waits behind it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long it is waited for a refusal of what was only announced.
const REFUSED_WITHIN: Duration = Duration::from_secs(3);

/// What the server shows for itself.
#[derive(Debug)]
pub(super) struct Key(Vec<(HeaderName, HeaderValue)>);

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub verdict: Result<Bytes, Verdict>,
    /// How many tries it took.
    pub tries: u32,
}

/// What a call carries.
#[derive(Debug, Clone)]
pub(super) enum Payload {
    Nothing,
    Json(Value),
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    /// Behind `/storage/v1`.
    path: String,
    headers: Vec<(HeaderName, String)>,
    payload: Payload,
}

impl Call {
    pub(super) fn new(method: Method, path: String) -> Self {
        Self { method, path, headers: Vec::new(), payload: Payload::Nothing }
    }

    pub(super) fn json(self, body: Value) -> Self {
        Self { payload: Payload::Json(body), ..self }.header(header::CONTENT_TYPE, "application/json")
    }

    pub(super) fn kind(self, media_type: &str) -> Self {
        self.header(header::CONTENT_TYPE, media_type)
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl Key {
    /// A JWT goes into both headers; a newer key is none and goes into `apikey` alone.
    pub(super) fn new(key: &Secret) -> Self {
        let sensitive = |text: String| {
            // A key with other characters was refused at the start.
            let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
            value.set_sensitive(true);
            value
        };
        let mut headers = vec![(HeaderName::from_static("apikey"), sensitive(key.expose().to_owned()))];
        if !key.expose().starts_with("sb_secret_") {
            headers.push((header::AUTHORIZATION, sensitive(format!("Bearer {}", key.expose()))));
        }
        Self(headers)
    }

    fn request(&self, base: &str, call: &Call, length: Option<u64>, body: Body) -> Result<Request<Body>, Trouble> {
        let mut request = Request::builder().method(call.method.clone()).uri(format!("{base}{}", call.path));
        for (name, value) in &self.0 {
            request = request.header(name, value);
        }
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(length) = length {
            request = request.header(header::CONTENT_LENGTH, length);
        }
        request.body(body).map_err(|error| Trouble::Odd(error.to_string()))
    }

    /// Asks, and asks again where that may help.
    pub(super) async fn ask(&self, base: &str, call: &Call) -> Result<Reply, Trouble> {
        let answered = tokio::time::timeout(PATIENCE, self.ask_again(base, call)).await;
        answered.unwrap_or_else(|_| Err(Trouble::Away("no answer in time".into())))
    }

    async fn ask_again(&self, base: &str, call: &Call) -> Result<Reply, Trouble> {
        let mut tries = Tries::default();
        loop {
            let body = match &call.payload {
                Payload::Nothing => Body::empty(),
                Payload::Json(body) => Body::from(body.to_string()),
            };
            let outcome = https::exchange(self.request(base, call, None, body)?, small).await;
            if let Some(reply) = tries.judge(outcome).await {
                return reply;
            }
        }
    }

    /// Sends a file, opened anew for each try, its length announced.
    pub(super) async fn send_file(&self, base: &str, call: &Call, file: Again<'_>, size: u64) -> Result<Reply, Error> {
        let mut tries = Tries::default();
        loop {
            let pulse = Pulse::default();
            let request = self.request(base, call, Some(size), pieces(file()?, size, pulse.clone()))?;
            let outcome = pulse.while_it_beats(https::exchange(request, small)).await;
            if let Some(reply) = tries.judge(outcome).await {
                return Ok(reply?);
            }
        }
    }

    /// Announces a body and sends none; what is said to that, if anything.
    pub(super) async fn announce(&self, base: &str, call: &Call, size: u64) -> Option<Verdict> {
        let body = Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
        let request = self.request(base, call, Some(size), body).ok()?;
        let answer = tokio::time::timeout(REFUSED_WITHIN, https::exchange(request, small)).await.ok()?;
        answer.ok()?.err()
    }
}

/// Writes as somebody who has no key, in the hope of being refused.
pub(super) async fn write_without_key(base: &str, path: &str) -> Result<Result<Bytes, Verdict>, Trouble> {
    let request = Request::post(format!("{base}{path}")).header(header::CONTENT_TYPE, "image/png");
    let request = request.body(Body::from("neopro probe")).map_err(|error| Trouble::Odd(error.to_string()))?;
    let answer = tokio::time::timeout(PATIENCE, https::exchange(request, small)).await;
    answer.unwrap_or_else(|_| Err("no answer in time".into())).map_err(Trouble::Away)
}

/// The tries of one call so far.
#[derive(Debug)]
struct Tries {
    made: u32,
    pause: Duration,
}

impl Default for Tries {
    fn default() -> Self {
        Self { made: 0, pause: PAUSE }
    }
}

impl Tries {
    /// What a try has come to. `None` after a pause: it is to be tried again.
    async fn judge(&mut self, outcome: Result<Result<Bytes, Verdict>, String>) -> Option<Result<Reply, Trouble>> {
        self.made += 1;
        let may_pass = outcome.as_ref().map_or(true, |answer| answer.as_ref().is_err_and(Verdict::may_pass));
        if !may_pass || self.made == TRIES {
            let reply = outcome.map(|verdict| Reply { verdict, tries: self.made });
            return Some(reply.map_err(Trouble::Away));
        }
        tokio::time::sleep(self.pause + jitter(self.pause)).await;
        self.pause *= 3;
        None
    }
}

async fn small(response: Response<Incoming>) -> Result<Result<Bytes, Verdict>, String> {
    wire::small(response, judge).await
}
