//! Well-behaved boxes of both protocols: they beat, report, answer everything, and keep an account of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use neopro_protocol::{Desired, Item, ItemState, Reported, ReportedAck};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};
use uuid::Uuid;

use super::figures::{Question, Sample};
use super::wire::{Heard, PATIENCE, PING, TEXT, Wire, frame};

/// Between two signs of life. In the field it is half a minute: these are to be seen within a round.
const BEAT: Duration = Duration::from_secs(5);
/// Between two questions of a box whose answer is timed.
const ASKED_EVERY: Duration = Duration::from_millis(500);

/// What a box has done, by its own account.
#[derive(Debug, Default)]
pub struct Account {
    pub number: usize,
    pub is_new: bool,
    pub beats: i64,
    /// The last report that it has sent, and how many were acknowledged; each is to be.
    pub reported: i64,
    pub acknowledged: i64,
    /// Questions of the server that it has answered: states, commands, signs of life.
    pub answered: usize,
    /// The videos that it has.
    pub holds: BTreeSet<Uuid>,
    /// What should not have happened.
    pub complaint: Option<String>,
}

/// The boxes, and what they have measured so far.
pub struct Crowd {
    boxes: JoinSet<Account>,
    end: watch::Sender<bool>,
    samples: Arc<Mutex<Vec<Sample>>>,
}

impl Crowd {
    /// So many boxes, the first half of protocol 1, connected and known.
    pub async fn gather(server: SocketAddr, count: usize) -> Self {
        let (end, ended) = watch::channel(false);
        let samples = Arc::new(Mutex::new(Vec::new()));
        let mut boxes = JoinSet::new();
        for number in 0..count {
            let is_new = number >= count / 2;
            // Ten of each address.
            let [_, club] = u16::try_from(number / 10).expect("few").to_be_bytes();
            let wire = Wire::known(server, [127, 1, 7, club], number, is_new.then_some(2)).await;
            let account = Account { number, is_new, ..Account::default() };
            let open = BTreeMap::new();
            let one = One { wire: wire.expect("a welcome"), account, samples: samples.clone(), open, revision: 0 };
            boxes.spawn(one.live(ended.clone()));
        }
        Self { boxes, end, samples }
    }

    /// Where measurements are noted.
    pub fn samples(&self) -> Arc<Mutex<Vec<Sample>>> {
        self.samples.clone()
    }

    /// Lets every box say what it has to say, and go; their accounts.
    pub async fn end(mut self) -> Vec<Account> {
        self.end.send_replace(true);
        let mut accounts = Vec::new();
        while let Some(account) = self.boxes.join_next().await {
            accounts.push(account.expect("a box does not panic"));
        }
        accounts
    }
}

/// Notes a measurement.
pub fn note(samples: &Mutex<Vec<Sample>>, question: Question, asked: Instant) {
    let sample = Sample { question, asked, took: asked.elapsed() };
    samples.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
}

/// One box.
struct One {
    wire: Wire,
    account: Account,
    samples: Arc<Mutex<Vec<Sample>>>,
    /// Its questions that are not answered, by their number.
    open: BTreeMap<i64, Instant>,
    /// The state that it was told last.
    revision: i64,
}

/// Every so often, without catching up, and not all boxes at the same moment.
fn every(period: Duration, number: usize) -> Interval {
    let first = tokio::time::Instant::now() + period.mul_f64((number * 37 % 100) as f64 / 100.0);
    let mut interval = tokio::time::interval_at(first, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

impl One {
    async fn live(mut self, mut ended: watch::Receiver<bool>) -> Account {
        let outcome = self.converse(&mut ended).await;
        self.account.complaint = outcome.err();
        self.account
    }

    async fn converse(&mut self, ended: &mut watch::Receiver<bool>) -> Result<(), String> {
        let number = self.account.number;
        let (mut beat, mut ask) = (every(BEAT, number), every(ASKED_EVERY, number));
        if !self.account.is_new {
            // What an old box has is known by its mirror: nothing of ours.
            let mirror = json!({"config": {"version": "1.0", "categories": []}, "configHash": "0"});
            self.say(&format!("42[\"sync_local_state\",{mirror}]")).await?;
        }
        let mut until = None;
        loop {
            let is_over = until.is_some();
            let last_moment = until.unwrap_or_else(|| tokio::time::Instant::now() + PATIENCE);
            tokio::select! {
                heard = self.wire.hear() => match heard.map_err(|error| error.to_string())? {
                    Heard::Text(text) => self.answer(&text).await?,
                    Heard::Pong(payload) => {
                        let number = payload.try_into().map(i64::from_be_bytes).map_err(|_| "another's pong")?;
                        self.is_answered(number, Question::Ping)?;
                    }
                    Heard::End => return Err("it was cut off".into()),
                },
                _ = beat.tick(), if !is_over => {
                    self.account.beats += 1;
                    self.say(r#"42["heartbeat",{"metrics":{"cpu":11,"memory":41},"softwareVersion":"2.0"}]"#).await?;
                }
                _ = ask.tick(), if !is_over && self.open.is_empty() => self.ask().await?,
                _ = ended.changed(), if !is_over => until = Some(tokio::time::Instant::now() + PATIENCE),
                () = tokio::time::sleep_until(last_moment), if is_over => {
                    return Err(format!("{} of its questions were never answered", self.open.len()));
                }
            }
            if until.is_some() && self.open.is_empty() {
                return Ok(());
            }
        }
    }

    /// Asks something whose answer is timed.
    async fn ask(&mut self) -> Result<(), String> {
        self.account.reported += 1;
        let number = self.account.reported;
        self.open.insert(number, Instant::now());
        if !self.account.is_new {
            return self.send(&frame(PING, &number.to_be_bytes())).await;
        }
        let item = |id: &Uuid| Item {
            id: *id,
            sha256: "0".repeat(64),
            state: ItemState::Installed,
            attempts: 1,
            reason: None,
            detail: None,
        };
        let inventory = self.account.holds.iter().map(item).collect();
        let report = Reported { revision: self.revision, sequence: number, inventory, ..Reported::default() };
        self.say(&format!("42{number}[\"reported\",{}]", json!(report))).await
    }

    fn is_answered(&mut self, number: i64, question: Question) -> Result<(), String> {
        let asked = self.open.remove(&number).ok_or_else(|| format!("{number} is answered, and was not asked"))?;
        self.account.acknowledged += 1;
        note(&self.samples, question, asked);
        Ok(())
    }

    /// Does what the server asks for.
    async fn answer(&mut self, text: &str) -> Result<(), String> {
        let Some(packet) = text.strip_prefix('4') else {
            return if text == "2" { self.say("3").await } else { Err(format!("what is {text}?")) };
        };
        let (kind, rest) = packet.split_at(1);
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, json) = rest.split_at(digits);
        let arguments: Vec<Value> = serde_json::from_str(json).map_err(|error| format!("{text}: {error}"))?;
        if kind == "3" {
            let ack: ReportedAck = serde_json::from_value(arguments[0].clone()).map_err(|error| error.to_string())?;
            return self.is_answered(ack.sequence, Question::Report);
        }
        let data = arguments.get(1).cloned().unwrap_or_default();
        match arguments[0].as_str() {
            Some("ping_check") => self.say(r#"42["pong_check",{}]"#).await,
            Some("desired") => {
                let desired: Desired = serde_json::from_value(data).map_err(|error| error.to_string())?;
                self.account.answered += 1;
                self.revision = desired.revision;
                self.account.holds = desired.media.iter().map(|media| media.id).collect();
                self.say(&format!("43{number}[{}]", json!({"revision": desired.revision}))).await
            }
            Some("command") => self.obey(&data).await,
            other => Err(format!("what is {other:?}?")),
        }
    }

    /// A command of protocol 1.
    async fn obey(&mut self, command: &Value) -> Result<(), String> {
        let video = command["data"]["videoId"].as_str().and_then(|id| Uuid::parse_str(id).ok()).ok_or("no video")?;
        let is_right = match command["type"].as_str() {
            Some("deploy_video") => self.account.holds.insert(video),
            Some("delete_video") => self.account.holds.remove(&video),
            other => return Err(format!("what is {other:?}?")),
        };
        if !is_right {
            return Err(format!("it is told twice: {command}"));
        }
        self.account.answered += 1;
        let checksum = &command["data"]["checksum"];
        let result = json!({"commandId": command["id"], "status": "success",
            "result": {"filename": format!("{video}.mp4"), "checksum": checksum, "size": 7}});
        self.say(&format!("42[\"command_result\",{result}]")).await
    }

    async fn say(&mut self, text: &str) -> Result<(), String> {
        self.send(&frame(TEXT, text.as_bytes())).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.wire.send(bytes).await.map_err(|error| format!("it could not speak: {error}"))
    }
}
