//! Sends the log to Logtail (Better Stack Telemetry), in batches, from behind.
//!
//! Its contract: `POST` of a JSON array with the source's token; 202 when it is taken, 402 when the plan is used up, 403 for
//! a token that it does not know, 406 for what is no JSON, 413 for what is too large. Nothing that it does, or does not do,
//! is waited for by anybody: lines wait in the [`Outbox`], which forgets the oldest.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, header};
use http_body_util::{BodyExt as _, Limited};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::outbox::{LogState, Outbox};
use crate::config::Logtail;
use crate::notify::https;

/// How long a line waits at most when all is well.
const EVERY: Duration = Duration::from_secs(5);
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the last lines may take when the server goes down.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The pause after the first failure; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause after an answer that no repetition changes: somebody has to act.
const HOPELESS: Duration = Duration::from_secs(3_600);
/// More of an answer is of no use.
const MOST_BYTES: usize = 4 * 1024;

/// What an answer means for the lines that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// They have arrived.
    Taken,
    /// They are too large together.
    TooLarge,
    /// They will never be taken.
    Unreadable,
    /// They may be taken later: how it goes, and how long to wait, if that is known.
    Later(LogState, Option<Duration>),
}

/// Sends what is in an outbox, until it is told to stop.
#[derive(Debug)]
pub struct Shipping {
    logtail: Logtail,
    outbox: Outbox,
    failures: u32,
    /// What was lost before the service failed.
    lost_before: u64,
}

impl Shipping {
    pub(super) fn new(logtail: Logtail, outbox: Outbox) -> Self {
        Self { logtail, outbox, failures: 0, lost_before: 0 }
    }

    /// Where the lines wait.
    #[must_use]
    pub fn outbox(&self) -> Outbox {
        self.outbox.clone()
    }

    /// Runs until the server has stopped, and sends what was said until then, if the service takes it in two seconds.
    pub async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let mut next = Instant::now() + EVERY;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                // While it fails, nothing is hurried.
                () = self.outbox.fills(), if self.failures == 0 => {}
                _ = stopping.changed() => break,
            }
            // A request that hangs must not keep the server from going down.
            let pause = tokio::select! {
                pause = self.send() => pause,
                _ = stopping.changed() => break,
            };
            next = Instant::now() + pause;
        }
        let _ = tokio::time::timeout(LAST_WORDS, async {
            while !self.outbox.is_empty() && self.send().await == Duration::ZERO {}
        })
        .await;
    }

    /// Sends one batch, and says how long to wait before the next.
    async fn send(&mut self) -> Duration {
        let lines = Held::take(&self.outbox);
        if lines.0.is_empty() {
            return EVERY;
        }
        let verdict = judge(post(&self.logtail, &lines.0).await);
        let lines = lines.release();
        match verdict {
            Verdict::Taken => {
                self.outbox.has_sent(&lines);
                self.recovered();
                // What has piled up goes at once.
                return if self.outbox.is_empty() { EVERY } else { Duration::ZERO };
            }
            Verdict::TooLarge => self.outbox.halve(lines),
            Verdict::Unreadable => self.outbox.has_lost(lines.len()),
            Verdict::Later(state, pause) => {
                self.outbox.put_back(lines);
                self.failed(state);
                return pause.unwrap_or_else(|| pause_after(self.failures));
            }
        }
        FIRST_PAUSE
    }

    fn recovered(&mut self) {
        let before = self.outbox.goes(LogState::Ready);
        if self.failures > 0 {
            let lost = self.outbox.tally().dropped - self.lost_before;
            tracing::info!(from = ?before, lost, "Logtail takes the log again");
        }
        self.failures = 0;
    }

    fn failed(&mut self, state: LogState) {
        let before = self.outbox.goes(state);
        if self.failures == 0 {
            self.lost_before = self.outbox.tally().dropped;
        }
        self.failures = self.failures.saturating_add(1);
        if before != state {
            told(state);
        }
    }
}

/// Lines that are on their way. A request that is given up puts them back.
struct Held(Vec<Vec<u8>>, Outbox);

impl Held {
    fn take(outbox: &Outbox) -> Self {
        Self(outbox.take(), outbox.clone())
    }

    fn release(mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.1.put_back(std::mem::take(&mut self.0));
    }
}

/// Says once what is wrong, beside the log: that may be silent, and where it was to be read it does not arrive.
#[expect(clippy::print_stderr, reason = "the log itself is what does not arrive")]
fn told(state: LogState) {
    match state {
        LogState::Refused => eprintln!("{REFUSED}"),
        LogState::Full => eprintln!("{FULL}"),
        _ => tracing::warn!("Logtail does not take the log for now; the lines wait"),
    }
}

const REFUSED: &str = "Logtail refuse le jeton LOGTAIL_TOKEN : recopiez le « Source token » de la source et, si la page de \
                       la source montre un hôte d'ingestion, mettez-le dans LOGTAIL_HOST (partie « Logs centralisés »). \
                       Nouvel essai dans une heure.";
const FULL: &str = "Logtail ne prend plus de logs : le quota du mois est atteint (402). Les logs restent dans la sortie du \
                    serveur ; augmentez l'offre ou mettez LOG_LEVEL=warn. Nouvel essai dans une heure.";

fn pause_after(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST_PAUSE)
}

/// An answer: its status and its headers.
type Answer = (u16, HeaderMap);

async fn post(logtail: &Logtail, lines: &[Vec<u8>]) -> Result<Answer, String> {
    let mut body = Vec::with_capacity(lines.iter().map(Vec::len).sum::<usize>() + lines.len() + 2);
    body.push(b'[');
    body.extend(lines.join(&b','));
    body.push(b']');
    let request = Request::post(format!("{}/", logtail.endpoint))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {}", logtail.token.expose()))
        .header(header::CONTENT_LENGTH, body.len())
        .body(Body::from(body))
        .map_err(|_| "the address is none".to_owned())?;
    let exchange = https::exchange(request, async |response| {
        let (parts, body) = response.into_parts();
        // An answer is its status: what comes behind it, or does not come whole, changes nothing.
        let _ = Limited::new(body, MOST_BYTES).collect().await;
        Ok((parts.status.as_u16(), parts.headers))
    });
    // What the libraries below say of sending lines would be lines to send, for ever.
    let quiet = exchange.with_subscriber(NoSubscriber::default());
    tokio::time::timeout(PATIENCE, quiet).await.unwrap_or_else(|_| Err("no answer in time".into()))
}

fn judge(answer: Result<Answer, String>) -> Verdict {
    let Ok((status, headers)) = answer else { return Verdict::Later(LogState::Failing, None) };
    let wait = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(|seconds| Duration::from_secs(seconds).clamp(FIRST_PAUSE, HOPELESS));
    match status {
        200..=299 => Verdict::Taken,
        401 | 403 | 404 => Verdict::Later(LogState::Refused, Some(HOPELESS)),
        402 => Verdict::Later(LogState::Full, Some(HOPELESS)),
        413 => Verdict::TooLarge,
        400 | 406 | 415 | 422 => Verdict::Unreadable,
        _ => Verdict::Later(LogState::Failing, wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&'static str>) -> Verdict {
        let headers =
            retry_after.map(|value| (header::RETRY_AFTER, value.parse().expect("a value"))).into_iter().collect();
        judge(Ok((status, headers)))
    }

    #[test]
    fn every_answer_has_a_meaning_and_none_is_asked_for_in_a_hurry() {
        assert_eq!(answer(202, None), Verdict::Taken);
        for status in [401, 403, 404] {
            assert_eq!(answer(status, None), Verdict::Later(LogState::Refused, Some(HOPELESS)));
        }
        assert_eq!(answer(402, None), Verdict::Later(LogState::Full, Some(HOPELESS)));
        assert_eq!((answer(413, None), answer(406, None)), (Verdict::TooLarge, Verdict::Unreadable));
        let later = |seconds| Verdict::Later(LogState::Failing, Some(Duration::from_secs(seconds)));
        assert_eq!(answer(429, Some("7")), later(7));
        assert_eq!(answer(429, Some("0")), later(1), "never at once");
        assert_eq!(answer(503, Some("999999999")), later(3_600), "and not for ever");
        for odd in [None, Some("soon"), Some("-1")] {
            assert_eq!(answer(500, odd), Verdict::Later(LogState::Failing, None));
        }
        assert_eq!(judge(Err("reset".into())), Verdict::Later(LogState::Failing, None));
    }

    #[test]
    fn pauses_double_up_to_a_minute() {
        let pauses: Vec<u64> = (1..=8).map(|failures| pause_after(failures).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }
}
