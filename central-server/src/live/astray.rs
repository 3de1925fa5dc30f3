//! Requests of a session that another replica has: what stands before the replicas does not bring a client that polls to the
//! same one each time, and such a client never stays connected. It says so to whoever looks at its box's log, and the log here
//! says so to whoever runs the servers.
//!
//! A session's id says who began it and when. A session that is old is no sign of it: its replica may have been gone for a
//! moment, and the client comes to the same one from now on. Nor is a handful at once, when a replica has just died.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::app::App;
use crate::clock::Time;

/// The words of the engine for a session that is over, or never was.
pub(super) const UNKNOWN: &str = "Session ID unknown";
/// And for one that lives elsewhere.
const ELSEWHERE: &str = "Session ID unknown: another replica has this session, and polling needs sticky sessions";
/// Until when a session is young, in seconds. Clocks of two machines may differ by some.
const YOUNG: i64 = 15;
/// So many within [`TOGETHER`] are no accident, if they go on for [`LASTING`].
const MANY: u32 = 3;
const TOGETHER: Duration = Duration::from_secs(60);
/// When a replica dies its young sessions stray at once, and no new ones begin.
const LASTING: Duration = Duration::from_secs(10);
/// After how long the log says it again.
const SAID_AGAIN: Duration = Duration::from_secs(600);

/// What was seen of such requests.
#[derive(Debug, Default)]
pub struct Astray {
    count: AtomicU64,
    lately: Mutex<Lately>,
}

#[derive(Debug, Default)]
struct Lately {
    since: Option<Instant>,
    count: u32,
    said: Option<Instant>,
}

impl Astray {
    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// One more; whether the log is to say so.
    fn note(&self, now: Instant) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut lately = self.lately.lock().unwrap_or_else(PoisonError::into_inner);
        let since = lately.since.filter(|since| now.duration_since(*since) <= TOGETHER);
        lately.count = if since.is_some() { lately.count + 1 } else { 1 };
        let since = *lately.since.insert(since.unwrap_or(now));
        let is_due = lately.said.is_none_or(|said| now.duration_since(said) > SAID_AGAIN);
        if lately.count < MANY || now.duration_since(since) < LASTING || !is_due {
            return false;
        }
        lately.said = Some(now);
        true
    }
}

/// What a client hears whose session is not here.
pub(super) fn unknown(app: &App, sid: &str) -> &'static str {
    let Some((replica, began)) = read(sid) else { return UNKNOWN };
    let is_young = (app.clock.now().unix_seconds() - i64::from(began)).abs() <= YOUNG;
    if !is_young || !app.replicas.known().iter().any(|other| mark(other.id) == replica) {
        return UNKNOWN;
    }
    if app.live.astray.note(Instant::now()) {
        tracing::warn!(
            "Des clients en polling arrivent ici alors qu'un autre réplica vient d'ouvrir leur session : le répartiteur ne \
             ramène pas chaque client au même serveur, et un boîtier qui n'a que le polling ne reste pas connecté. Réglez-le \
             par adresse pour /socket.io/ (« ip_hash » dans deploy/nginx/neopro.conf ; partie 1 du guide). Les boîtiers en \
             WebSocket et le dashboard ne sont pas touchés."
        );
    }
    ELSEWHERE
}

/// The id of a new session: whose it is, since when, and 128 random bits, for an id is also what lets a request join.
pub(super) fn new_sid(replica: Uuid, now: Time) -> String {
    let mut bytes = [0u8; 24];
    bytes[..4].copy_from_slice(&mark(replica));
    bytes[4..8].copy_from_slice(&u32::try_from(now.unix_seconds()).unwrap_or_default().to_be_bytes());
    // Without randomness the id is no secret, but still unique by its session's number.
    if getrandom::fill(&mut bytes[8..]).is_err() {
        bytes[8..].copy_from_slice(Uuid::now_v7().as_bytes());
    }
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}

/// Who began a session, and when, if this is the id of one.
fn read(sid: &str) -> Option<([u8; 4], u32)> {
    let bytes = data_encoding::BASE64URL_NOPAD.decode(sid.as_bytes()).ok().filter(|bytes| bytes.len() == 24)?;
    Some((bytes[..4].try_into().ok()?, u32::from_be_bytes(bytes[4..8].try_into().ok()?)))
}

/// What tells replicas apart: the last bytes of their names, which are random.
fn mark(replica: Uuid) -> [u8; 4] {
    let [.., a, b, c, d] = *replica.as_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_whose_it_is_and_since_when_and_no_two_are_alike() {
        let (one, other, now) = (Uuid::now_v7(), Uuid::now_v7(), Time::from_unix_micros(1_768_478_400_000_000));
        let sid = new_sid(one, now);
        assert_eq!(read(&sid), Some((mark(one), 1_768_478_400)));
        assert_ne!(mark(one), mark(other));
        assert_ne!(sid, new_sid(one, now));
        for foreign in ["", "x", "AAAA", "lv_VI97HAXpY6yYWAAAC", &"A".repeat(33), &"é".repeat(16)] {
            assert_eq!(read(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn one_that_strays_is_an_accident_and_many_are_said_once() {
        let (astray, began) = (Astray::default(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        assert_eq!([0, 11, 70, 81, 140].map(|seconds| astray.note(at(seconds))), [false; 5], "two in a minute");
        assert_eq!([141, 142, 149].map(|seconds| astray.note(at(seconds))), [false; 3], "a replica has died");
        assert_eq!([150, 151].map(|seconds| astray.note(at(seconds))), [true, false], "said once");
        assert_eq!([800, 801, 812].map(|seconds| astray.note(at(seconds))), [false, false, true], "it lasts");
        assert_eq!(astray.count(), 13);
    }
}
