//! Those who mean harm, or are broken: they speak badly, too much, too slowly, or not to the end. Each goes on until
//! the assault is over, and comes back when it is cut off.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use neopro_fleet::identity::identity;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use super::bad_words;
use super::mirrors;
use super::wire::{HANDSHAKE, PATIENCE, PING, SEED, TEXT, Wire, dial, frame};

/// Between two bad words, and between two boxes that come and go.
const STRUCK_EVERY: Duration = Duration::from_millis(100);
/// How long who was cut off stays away.
const AWAY: Duration = Duration::from_millis(500);

/// What was done, by deed.
#[derive(Debug, Default)]
pub struct Deeds {
    /// Bad words that were refused.
    pub refused: AtomicU64,
    /// Boxes that came, said who they are, and went.
    pub churned: AtomicU64,
    /// Bytes of the floods that left.
    pub flooded: AtomicU64,
    /// Huge mirrors that left.
    pub mirrors: AtomicU64,
    /// Those that were refused for their size.
    pub too_large: AtomicU64,
    /// Bytes that were said to the server by those who never read its answers.
    pub unread: AtomicU64,
    /// Bytes that were said one by one.
    pub dribbled: AtomicU64,
    /// What the server should not have done.
    pub complaints: Mutex<Vec<String>>,
}

impl Deeds {
    fn complain(&self, complaint: String) {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(complaint);
    }

    /// What was done so far, each deed with its name.
    pub fn counts(&self) -> [(&'static str, u64); 7] {
        [
            ("refused", &self.refused),
            ("churned", &self.churned),
            ("flooded", &self.flooded),
            ("mirrors", &self.mirrors),
            ("too large", &self.too_large),
            ("unread", &self.unread),
            ("dribbled", &self.dribbled),
        ]
        .map(|(name, count)| (name, count.load(Ordering::Relaxed)))
    }
}

fn add(count: &AtomicU64, number: usize) {
    count.fetch_add(number as u64, Ordering::Relaxed);
}

/// Whom they attack, and as which boxes: the sites from this number on are theirs.
#[derive(Debug, Clone)]
pub struct Target {
    pub server: SocketAddr,
    pub first: usize,
    pub deeds: Arc<Deeds>,
}

/// The sites that the attackers need.
pub const ATTACKERS: usize = 40;
/// Of these, that of the box that floods with signs of life, and that of the one with huge mirrors.
pub const FLOOD: usize = 0;
pub const MIRRORS: usize = 3;
/// Of these, those that come and go.
const CHURNING: std::ops::Range<usize> = 20..40;

/// All of them at work. They work apart, and give way to those whose time is measured: what they do themselves on this
/// machine is not what is asked here.
pub struct Assault(Option<Runtime>);

impl Assault {
    /// Begins it; it ends when this is dropped.
    pub fn begin(target: &Target) -> Self {
        let yield_to_others = || {
            // Who may not give way measures worse, and nothing wrong.
            let _ = rustix::process::nice(5);
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .on_thread_start(yield_to_others)
            .build()
            .expect("threads");
        let spawn = |attacker: usize, name: &'static str| {
            let target = target.clone();
            runtime.spawn(async move {
                loop {
                    // Being cut off is what they are to expect.
                    let _ = target.attack(name, attacker).await;
                    sleep(AWAY).await;
                }
            });
        };
        spawn(FLOOD, "flood");
        spawn(1, "frames");
        spawn(2, "reports");
        spawn(MIRRORS, "mirrors");
        spawn(4, "larger");
        spawn(5, "posts");
        spawn(6, "bad words");
        spawn(7, "churn");
        (8..11).for_each(|attacker| spawn(attacker, "slow reader"));
        (11..14).for_each(|attacker| spawn(attacker, "slow speaker"));
        (0..8).for_each(|attacker| spawn(attacker, "slow stranger"));
        Self(Some(runtime))
    }
}

/// It ends at once.
impl Drop for Assault {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Target {
    async fn attack(&self, name: &str, attacker: usize) -> io::Result<()> {
        match name {
            "flood" => self.flood(attacker, beats()).await,
            "frames" => self.flood(attacker, empty_frames()).await,
            "reports" => self.flood(attacker, reports()).await,
            "mirrors" => self.send_mirrors(attacker).await,
            "larger" => self.send_larger(attacker).await,
            "posts" => self.post_nothing_in_many_parts(attacker).await,
            "bad words" => self.say_bad_words().await,
            "churn" => self.come_and_go().await,
            "slow reader" => self.never_read(attacker).await,
            "slow speaker" => self.dribble(attacker).await,
            _ => self.dribble_a_handshake(attacker).await,
        }
    }

    async fn arrive(&self, attacker: usize) -> io::Result<Wire> {
        let [_, host] = u16::try_from(attacker).unwrap_or_default().to_be_bytes();
        let protocol = (attacker.is_multiple_of(2)).then_some(2);
        Wire::known(self.server, [127, 6, 6, host], self.first + attacker, protocol).await
    }

    /// They are boxes as far as the server can know: whatever they did before, they are welcome.
    async fn known(&self, attacker: usize) -> io::Result<Wire> {
        self.arrive(attacker)
            .await
            .inspect_err(|error| self.deeds.complain(format!("attacker {attacker} is not let in: {error}")))
    }

    /// Says something again and again, as fast as it is taken, and reads what comes.
    async fn flood(&self, attacker: usize, words: Vec<u8>) -> io::Result<()> {
        let (mut answers, mut speech) = self.known(attacker).await?.stream.into_split();
        let mut sink = tokio::io::sink();
        let speak = async {
            loop {
                let length = speech.write(&words).await?;
                // What was left out of a frame is said before the next one.
                speech.write_all(&words[length..]).await?;
                add(&self.deeds.flooded, words.len());
            }
        };
        tokio::select! {
            outcome = speak => outcome,
            outcome = tokio::io::copy(&mut answers, &mut sink) => outcome.map(|_| ()),
        }
    }

    async fn send_mirrors(&self, attacker: usize) -> io::Result<()> {
        let mut wire = self.known(attacker).await?;
        loop {
            for mirror in mirrors::huge() {
                wire.send(mirror).await?;
                add(&self.deeds.mirrors, 1);
            }
        }
    }

    /// More than a box may say at once.
    async fn send_larger(&self, attacker: usize) -> io::Result<()> {
        let mut wire = self.known(attacker).await?;
        // It is cut off before it has said all.
        let _ = wire.send(mirrors::larger()).await;
        if !wire.ends(PATIENCE).await {
            self.deeds.complain("eleven million bytes at once were taken".into());
        }
        add(&self.deeds.too_large, 1);
        Ok(())
    }

    /// A known box that polls posts ten million empty packets at once.
    async fn post_nothing_in_many_parts(&self, attacker: usize) -> io::Result<()> {
        let (from, identity) = ([127, 6, 6, 200], identity(SEED, self.first + attacker));
        let session = self.poll(from).await?;
        let claim = json!(["authenticate", {"siteId": identity.site, "apiKey": identity.key}]);
        self.post(from, &session, format!("40\u{1e}42{claim}").as_bytes()).await?;
        // It is known a moment later.
        sleep(Duration::from_millis(500)).await;
        self.post(from, &session, &vec![0x1e; 9_000_000]).await?;
        add(&self.deeds.mirrors, 1);
        Ok(())
    }

    async fn say_bad_words(&self) -> io::Result<()> {
        for number in 0.. {
            let on_a_websocket = bad_words::on_a_websocket();
            let over_http = bad_words::over_http("");
            let word = number % (on_a_websocket.len() + over_http.len() + 1);
            let (target, from) = (self.clone(), [127, 6, 7, (number % 20) as u8]);
            tokio::spawn(async move {
                let said = if word < on_a_websocket.len() {
                    target.strike(from, &on_a_websocket[word]).await
                } else if word < on_a_websocket.len() + over_http.len() {
                    target.strike_over_http(from, word - on_a_websocket.len()).await
                } else {
                    target.talk_nonsense().await
                };
                match said {
                    Ok(()) => add(&target.deeds.refused, 1),
                    Err(complaint) => target.deeds.complain(complaint),
                }
            });
            sleep(STRUCK_EVERY).await;
        }
        Ok(())
    }

    /// Says a bad word on a WebSocket; the complaint if it is not cut off for it.
    pub async fn strike(&self, from: [u8; 4], (name, bytes): &bad_words::Word) -> Result<(), String> {
        let mut wire = Wire::open(self.server, from).await.map_err(|error| wrong(name, error))?;
        // It may be cut off before it has said all.
        let _ = wire.send(bytes).await;
        if wire.ends(PATIENCE).await { Ok(()) } else { Err(wrong(name, "the server goes on listening")) }
    }

    /// Says a bad word over HTTP; the complaint if it is not refused.
    pub async fn strike_over_http(&self, from: [u8; 4], number: usize) -> Result<(), String> {
        let session = self.poll(from).await.map_err(|error| wrong("a poll", error))?;
        let (name, bytes) = bad_words::over_http(&session).swap_remove(number);
        match tokio::time::timeout(PATIENCE, self.request(from, &bytes)).await {
            Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 4") || answer.is_empty() => Ok(()),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
            other => Err(wrong(&name, other)),
        }
    }

    /// Says as a known box what has no meaning; the complaint if it is cut off for it.
    pub async fn talk_nonsense(&self) -> Result<(), String> {
        let mut wire = self.known(14).await.map_err(|error| wrong("nonsense", error))?;
        for text in bad_words::nonsense() {
            let answered = async {
                wire.say(&text).await?;
                wire.send(&frame(PING, b"well?")).await?;
                while !matches!(wire.hear().await?, super::wire::Heard::Pong(_)) {}
                Ok::<(), io::Error>(())
            };
            match tokio::time::timeout(PATIENCE, answered).await {
                Ok(Ok(())) => {}
                other => return Err(wrong(&text, other)),
            }
        }
        Ok(())
    }

    async fn come_and_go(&self) -> io::Result<()> {
        for attacker in CHURNING.cycle() {
            let target = self.clone();
            tokio::spawn(async move {
                if target.arrive(attacker).await.is_ok() {
                    add(&target.deeds.churned, 1);
                }
            });
            sleep(STRUCK_EVERY).await;
        }
        Ok(())
    }

    /// Asks and asks, and never reads what the server answers.
    async fn never_read(&self, attacker: usize) -> io::Result<()> {
        let mut wire = self.known(attacker).await?;
        let questions = frame(PING, &[0; 125]).repeat(100);
        loop {
            wire.send(&questions).await?;
            add(&self.deeds.unread, questions.len());
        }
    }

    /// A box whose words come byte by byte.
    async fn dribble(&self, attacker: usize) -> io::Result<()> {
        let mut wire = self.known(attacker).await?;
        loop {
            for byte in beats() {
                wire.send(&[byte]).await?;
                add(&self.deeds.dribbled, 1);
                sleep(Duration::from_millis(1)).await;
            }
        }
    }

    /// A stranger whose request comes byte by byte.
    async fn dribble_a_handshake(&self, attacker: usize) -> io::Result<()> {
        let [_, host] = u16::try_from(attacker).unwrap_or_default().to_be_bytes();
        let mut stream = dial(self.server, [127, 6, 8, host]).await?;
        for byte in HANDSHAKE.bytes() {
            stream.write_all(&[byte]).await?;
            add(&self.deeds.dribbled, 1);
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Begins to poll: the session.
    async fn poll(&self, from: [u8; 4]) -> io::Result<String> {
        let opened = self.request(from, b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: x\r\n\r\n").await?;
        let session = opened.split("\"sid\":\"").nth(1).and_then(|rest| rest.split('"').next());
        session.map(str::to_owned).ok_or_else(|| io::Error::other(opened.clone()))
    }

    async fn post(&self, from: [u8; 4], session: &str, body: &[u8]) -> io::Result<String> {
        let path = format!("/socket.io/?EIO=4&transport=polling&sid={session}");
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
        self.request(from, &[head.as_bytes(), body].concat()).await
    }

    /// A request on a connection of its own: the beginning of its answer, or nothing if there is none.
    async fn request(&self, from: [u8; 4], bytes: &[u8]) -> io::Result<String> {
        let mut stream = dial(self.server, from).await?;
        // It may be refused before all has left.
        let _ = stream.write_all(bytes).await;
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }
}

fn wrong(what: &str, how: impl Debug) -> String {
    format!("{what}: {how:?}")
}

/// The signs of life of a day, and what else means little.
fn beats() -> Vec<u8> {
    let beat = frame(TEXT, br#"42["heartbeat",{"metrics":{"cpu":99,"memory":41},"softwareVersion":"2.0"}]"#).repeat(24);
    let nonsense =
        bad_words::nonsense().into_iter().filter(|text| !text.contains("sync") && !text.contains("reported"));
    nonsense.flat_map(|text| [beat.clone(), frame(TEXT, text.as_bytes())].concat()).collect()
}

/// A message whose end never comes, in parts of nothing, with pings between them.
fn empty_frames() -> Vec<u8> {
    let nothing = [frame(0x00, b""), frame(0x8a, b"")].concat().repeat(500);
    [frame(TEXT, b"3"), frame(0x01, b""), nothing, frame(PING, b"?"), frame(0x80, b"3")].concat()
}

/// Reports, each of which is written down.
fn reports() -> Vec<u8> {
    let report = |number: usize| {
        let report = json!(["reported", {"revision": 0, "sequence": number, "inventory": []}]);
        frame(TEXT, format!("42{number}{report}").as_bytes())
    };
    (1..500).flat_map(report).collect()
}
