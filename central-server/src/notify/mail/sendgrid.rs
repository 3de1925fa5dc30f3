//! SendGrid's v3 API: one call, to send, which is all that a key limited to « Mail Send » may do.

use axum::http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};

use super::{Post, Refusal, trial};
use crate::clock::Time;
use crate::config::{Secret, Sender};
use crate::jobs::Failure;
use crate::notify::https;

/// A way out by SendGrid.
#[derive(Debug)]
pub struct SendGrid {
    key: Secret,
    from: Sender,
    url: String,
}

impl SendGrid {
    /// `api` is the service's origin.
    pub(super) fn new(key: Secret, from: Sender, api: &str) -> Self {
        Self { key, from, url: format!("{api}/v3/mail/send") }
    }

    /// Hands the mail over. SendGrid says 202 when it has it; what becomes of it then is not known here.
    pub(super) async fn send(&self, post: &Post) -> Result<(), Failure> {
        let answer = self.post(&self.body(post)).await.map_err(|why| Failure::Later(why, None))?;
        match answer.status {
            200..=299 => Ok(()),
            status => Err(judge(status, &answer.headers, &answer.body, &self.from.address)),
        }
    }

    /// The same call in SendGrid's sandbox: key, sender and body are judged, nothing is sent.
    pub(super) async fn try_out(&self) -> Result<(), Refusal> {
        let mut body = self.body(&trial::unsent(&self.from));
        body["mail_settings"] = json!({ "sandbox_mode": { "enable": true } });
        let answer = self.post(&body).await.map_err(Refusal::Other)?;
        let words = said(&answer.body);
        match answer.status {
            200..=299 => Ok(()),
            401 if words.contains("credits") => Err(Refusal::Credits(words)),
            401 => Err(Refusal::Key(words)),
            403 if words.contains("Sender Identity") => Err(Refusal::Sender(words)),
            403 => Err(Refusal::Key(words)),
            status => Err(Refusal::Other(format!("HTTP {status} {words}"))),
        }
    }

    async fn post(&self, body: &Value) -> Result<https::Answer, String> {
        let mut key = HeaderValue::from_str(&format!("Bearer {}", self.key.expose()))
            .map_err(|_| "SENDGRID_API_KEY does not fit into a header".to_owned())?;
        key.set_sensitive(true);
        let body = body.to_string().into_bytes();
        let answer = https::post_json(&self.url, &[(header::AUTHORIZATION, key)], body).await;
        answer.map_err(|error| format!("SendGrid: {error}"))
    }

    fn body(&self, post: &Post) -> Value {
        json!({
            "personalizations": [{ "to": [person(&post.to)] }],
            "from": person(&self.from),
            "subject": post.page.subject,
            // In this order, says the contract.
            "content": [
                { "type": "text/plain", "value": post.page.text() },
                { "type": "text/html", "value": post.page.html() },
            ],
            // Their links would lead over SendGrid's own addresses, and opening would be reported.
            "tracking_settings": {
                "click_tracking": { "enable": false, "enable_text": false },
                "open_tracking": { "enable": false },
            },
            "custom_args": { "neopro_job": post.id.to_string() },
        })
    }
}

fn person(person: &Sender) -> Value {
    match &person.name {
        Some(name) => json!({ "email": person.address, "name": name }),
        None => json!({ "email": person.address }),
    }
}

/// The service's own words in a refusal.
fn said(body: &[u8]) -> String {
    let body = serde_json::from_slice::<Value>(body).unwrap_or_default();
    let messages: Vec<&str> =
        body["errors"].as_array().into_iter().flatten().filter_map(|error| error["message"].as_str()).collect();
    messages.join(" ")
}

/// What a refusal means: whether another try can help, and what somebody has to mend.
fn judge(status: u16, headers: &HeaderMap, body: &[u8], from: &str) -> Failure {
    let words = said(body);
    match status {
        400 | 413 => Failure::Never(format!("SendGrid {status}: {words}")),
        401 if words.contains("credits") => {
            Failure::Later(format!("SendGrid {status}, the quota is used up: {words}"), None)
        }
        401 => Failure::Later(format!("SendGrid {status}, check SENDGRID_API_KEY: {words}"), None),
        403 => Failure::Later(
            format!("SendGrid {status}, verify the sender {from} of EMAIL_FROM, and that the key may send: {words}"),
            None,
        ),
        429 => {
            let reset = headers.get("x-ratelimit-reset").and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
            let moment = reset.map(|seconds| Time::from_unix_micros(seconds.saturating_mul(1_000_000)));
            Failure::Later(format!("SendGrid {status}: {words}"), moment)
        }
        _ => Failure::Later(format!("SendGrid {status}: {words}"), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_refusal_means() {
        let refused = |status: u16, message: &str| {
            let body = json!({ "errors": [{ "message": message, "field": null, "help": null }] }).to_string();
            judge(status, &HeaderMap::new(), body.as_bytes(), "noreply@club.fr")
        };
        assert!(matches!(refused(400, "bad address"), Failure::Never(why) if why.contains("bad address")));
        let sender = refused(403, "The from address does not match a verified Sender Identity");
        assert!(
            matches!(sender, Failure::Later(why, None) if why.contains("noreply@club.fr") && why.contains("Identity"))
        );
        assert!(matches!(refused(401, "Maximum credits exceeded"), Failure::Later(why, None) if why.contains("quota")));
        assert!(matches!(refused(401, "expired"), Failure::Later(why, None) if why.contains("SENDGRID_API_KEY")));
        assert!(matches!(refused(500, ""), Failure::Later(_, None)));
        assert!(matches!(judge(502, &HeaderMap::new(), b"<html>", "a"), Failure::Later(..)));
        let headers =
            HeaderMap::from_iter([("x-ratelimit-reset".parse().expect("a name"), HeaderValue::from(1_768_478_460))]);
        let Failure::Later(_, Some(moment)) = judge(429, &headers, b"{}", "a") else { panic!("a moment") };
        assert_eq!(moment.unix_seconds(), 1_768_478_460);
    }
}
