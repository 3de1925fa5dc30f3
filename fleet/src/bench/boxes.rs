//! The boxes of the bench: as those of the field speak, with little of their own, one task each. Both protocols are
//! mixed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use neopro_protocol::{Authenticate, Authenticated, Desired, Item, ItemState, PROTOCOL, Reported, RevisionAck};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Error;
use uuid::Uuid;

use super::Target;
use super::ledger::{Arrival, Ledger};
use super::seed::mirror;
use crate::identity::{Identity, identity};
use crate::wire::{Said, Wire};

/// Within which part of the time between two heartbeats the boxes have fetched a video that they were told to have.
const FETCHED_WITHIN: f64 = 2.0 / 3.0;

/// The mirrors of a fleet come within so many heartbeats of each box: a hundred a second of 13,000.
pub(super) const MIRROR_BEATS: usize = 4;

/// What all boxes do.
#[derive(Debug, Clone, Copy, Default)]
struct Phase {
    /// Since when they beat, if they do.
    beating: Option<Instant>,
    /// They go.
    leaving: bool,
}

/// What the boxes have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub server: SocketAddr,
    pub seed: String,
    /// Between two heartbeats.
    pub heartbeat: Duration,
    /// The boxes with smaller numbers are of NeoPro 1.
    pub old: usize,
    pub ledger: Ledger,
}

/// The boxes that are connected.
#[derive(Debug)]
pub(super) struct Crowd {
    pub shared: Arc<Shared>,
    phase: watch::Sender<Phase>,
    tasks: JoinSet<()>,
}

/// The answer to a box that has said who it is.
#[derive(Debug)]
pub(super) enum Answer {
    Welcome(Box<Wire>),
    Refused(String),
}

impl Shared {
    /// Boxes of a target, the first so many of which are of NeoPro 1.
    pub fn new(target: &Target, old: usize, ledger: Ledger) -> Self {
        let heartbeat = Duration::from_secs(target.heartbeat.max(1));
        Self { server: target.server, seed: target.seed.clone(), heartbeat, old, ledger }
    }

    /// Whether the box of this number speaks protocol 2: every other one, except those of NeoPro 1.
    pub fn is_new(&self, number: usize) -> bool {
        number >= self.old && number.is_multiple_of(2)
    }

    /// Connects a box and says who it is, at once.
    pub async fn introduce(&self, number: usize) -> Result<Answer, Error> {
        let Identity { site, key } = identity(&self.seed, number);
        let mut wire = Wire::connect(self.server, number).await?;
        let mut claim = Authenticate { site_id: site.to_string(), api_key: key, ..Authenticate::default() };
        if self.is_new(number) {
            claim.protocol = Some(PROTOCOL);
            claim.agent_version = Some("1.0.0".into());
            claim.capabilities = vec!["desired".into()];
            claim.revision = Some(0);
        }
        wire.emit("authenticate", &claim).await?;
        loop {
            let Said::Event { name, data, .. } = wire.next().await? else { continue };
            match name.as_str() {
                "authenticated" => {
                    let welcome: Authenticated = serde_json::from_value(data).unwrap_or_default();
                    if welcome.site_id != site.to_string() || welcome.protocol.is_some() != self.is_new(number) {
                        self.ledger.complain(format!("Box {number} is welcomed as {welcome:?}."));
                    }
                    return Ok(Answer::Welcome(Box::new(wire)));
                }
                "auth_error" => return Ok(Answer::Refused(data["message"].to_string())),
                _ => self.ledger.complain(format!("Box {number} hears {name} before it is known.")),
            }
        }
    }
}

impl Crowd {
    /// Nobody yet.
    pub fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), phase: watch::Sender::default(), tasks: JoinSet::new() }
    }

    /// A box that was welcomed stays.
    pub fn keep(&mut self, number: usize, wire: Box<Wire>) {
        let (shared, phase) = (self.shared.clone(), self.phase.subscribe());
        let identity = identity(&shared.seed, number);
        let bench_box =
            BenchBox { number, identity, shared, sequence: 0, desired: Desired::default(), open: BTreeMap::new() };
        self.tasks.spawn(bench_box.live(wire, phase));
    }

    /// From now on they beat, each at its moment of the time between two.
    pub fn beat(&self) {
        self.phase.send_modify(|phase| phase.beating = Some(Instant::now()));
    }

    /// They beat no more.
    pub fn rest(&self) {
        self.phase.send_modify(|phase| phase.beating = None);
    }

    /// How many are still connected.
    pub fn count(&mut self) -> usize {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.len()
    }

    /// They say goodbye.
    pub async fn leave(&mut self) {
        self.phase.send_modify(|phase| phase.leaving = true);
        while self.tasks.join_next().await.is_some() {}
        self.phase.send_replace(Phase::default());
    }
}

/// The part of a time that is a box's own: the boxes do not do the same at the same moment.
fn share(number: usize, of: Duration) -> Duration {
    let place = u32::try_from(number * 7_919 % 10_007).unwrap_or_default();
    of.mul_f64(f64::from(place) / 10_007.0)
}

/// A heartbeat as agents of the field send it, at a moment in milliseconds.
pub(super) fn heartbeat(site: Uuid, number: usize, now: i64) -> String {
    let cpu = 8 + (i64::try_from(number).unwrap_or_default() + now / 1_000) % 20;
    let version = r#""softwareVersion":"2.4.1","versionInfo":{"version":"2.4.1","commit":null,"buildDate":null,"source":"release.json"}"#;
    format!(
        r#"{{"siteId":"{site}","timestamp":{now},"metrics":{{"cpu":{cpu}.5,"memory":41.2,"temperature":52.1,"disk":63.4,"uptime":{},"localIp":"192.168.1.{}","timestamp":{now}}},{version}}}"#,
        now / 1_000 % 5_000_000,
        20 + number % 200,
    )
}

/// One box.
struct BenchBox {
    number: usize,
    identity: Identity,
    shared: Arc<Shared>,
    sequence: i64,
    desired: Desired,
    /// What was asked and is not answered: with each heartbeat it is said again, as boxes do.
    open: BTreeMap<u64, (&'static str, Value)>,
}

/// What a box says a while later.
enum Later {
    Nothing,
    Report(Instant),
    Result(Instant, Value),
}

impl Later {
    fn due(&self) -> Option<Instant> {
        match self {
            Self::Nothing => None,
            Self::Report(due) | Self::Result(due, _) => Some(*due),
        }
    }
}

impl BenchBox {
    fn is_new(&self) -> bool {
        self.shared.is_new(self.number)
    }

    fn fetched_in(&self) -> Duration {
        share(self.number, self.shared.heartbeat.mul_f64(FETCHED_WITHIN))
    }

    async fn live(mut self, mut wire: Box<Wire>, mut phase: watch::Receiver<Phase>) {
        if let Err(error) = self.converse(&mut wire, &mut phase).await {
            self.shared.ledger.complain(format!("Box {} has lost its connection: {error}.", self.number));
            return;
        }
        wire.close().await;
    }

    /// Until the boxes are to go, or the connection is lost.
    async fn converse(&mut self, wire: &mut Wire, phase: &mut watch::Receiver<Phase>) -> Result<(), Error> {
        // Who comes while the others beat begins at once.
        let (mut beat, mut later) = (phase.borrow_and_update().beating.map(|_| Instant::now()), Later::Nothing);
        loop {
            let due = later.due();
            tokio::select! {
                said = wire.next() => {
                    if let Some(more) = self.hear(wire, said?).await? {
                        later = more;
                    }
                }
                changed = phase.changed() => {
                    let now = *phase.borrow_and_update();
                    if changed.is_err() || now.leaving {
                        return Ok(());
                    }
                    beat = now.beating.map(|since| since + share(self.number, self.shared.heartbeat));
                }
                () = passes(beat) => {
                    self.beat(wire).await?;
                    beat = beat.map(|beat| beat + self.shared.heartbeat);
                }
                () = passes(due) => match std::mem::replace(&mut later, Later::Nothing) {
                    Later::Nothing => {}
                    Later::Report(_) => self.report(wire).await?,
                    Later::Result(_, result) => wire.emit("command_result", &result).await?,
                }
            }
        }
    }

    async fn beat(&mut self, wire: &mut Wire) -> Result<(), Error> {
        let now = neopro_box::clock::unix_millis();
        let shows_itself = {
            let mut record = self.shared.ledger.of(self.number);
            record.beats.push(now);
            let is_its_turn = record.beats.len() > self.number % MIRROR_BEATS;
            is_its_turn && !std::mem::replace(&mut record.has_mirrored, true)
        };
        wire.emit_text("heartbeat", &heartbeat(self.identity.site, self.number, now)).await?;
        for (event, data) in std::mem::take(&mut self.open).into_values() {
            self.ask(wire, event, data).await?;
        }
        if shows_itself {
            wire.emit_text("sync_local_state", &mirror(self.identity.site, self.number)).await?;
            if self.is_new() {
                self.report(wire).await?;
            }
        }
        Ok(())
    }

    /// Does what it hears; what it will say of that a while later, if there is something.
    async fn hear(&mut self, wire: &mut Wire, said: Said) -> Result<Option<Later>, Error> {
        let (name, data, ack) = match said {
            Said::Event { name, data, ack } => (name, data, ack),
            Said::Answer(question) => {
                self.open.remove(&question);
                self.shared.ledger.of(self.number).unanswered = self.open.len();
                return Ok(None);
            }
        };
        match name.as_str() {
            "desired" => {
                let desired: Desired = serde_json::from_value(data).map_err(std::io::Error::other)?;
                let later = self.take_over(desired);
                if let Some(ack) = ack {
                    wire.acknowledge(ack, &RevisionAck { revision: self.desired.revision }).await?;
                }
                Ok(later)
            }
            "command" => self.obey(wire, data, ack).await,
            // What is said to all has nothing for a box.
            _ => Ok(None),
        }
    }

    fn take_over(&mut self, desired: Desired) -> Option<Later> {
        let is_news = desired.revision > self.desired.revision;
        if !self.is_new() || !is_news {
            let revision = desired.revision;
            self.shared.ledger.complain(format!("Box {} is told the state {revision}, which is no news.", self.number));
            return None;
        }
        let known: Vec<Uuid> = self.desired.media.iter().map(|media| media.id).collect();
        let told: Vec<Uuid> = desired.media.iter().map(|media| media.id).filter(|id| !known.contains(id)).collect();
        self.shared.ledger.of(self.number).told.extend(told.into_iter().map(|id| (id, std::time::Instant::now())));
        self.desired = desired;
        Some(Later::Report(Instant::now() + self.fetched_in()))
    }

    async fn obey(&mut self, wire: &mut Wire, command: Value, ack: Option<u64>) -> Result<Option<Later>, Error> {
        let at = std::time::Instant::now();
        let (id, kind, data) = (&command["id"], command["type"].as_str().unwrap_or_default(), &command["data"]);
        let ledger = &self.shared.ledger;
        let Some(id) = id.as_str().and_then(|id| Uuid::parse_str(id).ok()) else {
            ledger.complain(format!("Box {} gets a command without an id: {command}.", self.number));
            return Ok(None);
        };
        if kind == "deploy_video" {
            let video = data["videoId"].as_str().and_then(|id| Uuid::parse_str(id).ok()).unwrap_or_default();
            ledger.of(self.number).told.push((video, at));
            let result = json!({ "filename": data["filename"], "checksum": data["checksum"], "size": 1 });
            let result = json!({ "commandId": id, "status": "success", "result": result });
            return Ok(Some(Later::Result(Instant::now() + self.fetched_in(), result)));
        }
        ledger.command(id, Arrival { number: self.number, at, data: data.clone() });
        if self.is_new() != ack.is_some() {
            ledger.complain(format!("Box {} is asked for an acknowledgement: {ack:?}.", self.number));
        }
        if let Some(ack) = ack {
            wire.acknowledge(ack, &json!({ "commandId": id })).await?;
        }
        let result = json!({ "commandId": id, "status": "success", "result": result_of(self.number, data) });
        if self.is_new() {
            self.ask(wire, "command_result", result).await?;
        } else {
            wire.emit("command_result", &result).await?;
        }
        Ok(None)
    }

    /// Says that all is there that was asked for.
    async fn report(&mut self, wire: &mut Wire) -> Result<(), Error> {
        self.sequence += 1;
        let installed = |media: &neopro_protocol::Media| Item {
            id: media.id,
            sha256: media.sha256.clone(),
            state: ItemState::Installed,
            attempts: 1,
            reason: None,
            detail: None,
        };
        let report = Reported {
            revision: self.desired.revision,
            sequence: self.sequence,
            inventory: self.desired.media.iter().map(installed).collect(),
            free_bytes: Some(20_000_000_000),
            ..Reported::default()
        };
        self.ask(wire, "reported", json!(report)).await
    }

    /// Says something that the server is to acknowledge.
    async fn ask(&mut self, wire: &mut Wire, event: &'static str, data: Value) -> Result<(), Error> {
        let question = wire.ask(event, &data).await?;
        self.open.insert(question, (event, data));
        self.shared.ledger.of(self.number).unanswered = self.open.len();
        Ok(())
    }
}

/// What a box answers to a command: it follows from the box and the parameters, so that it can be looked for.
pub(super) fn result_of(number: usize, data: &Value) -> Value {
    json!({ "logs": format!("bench {number}: {} lines", data["lines"]), "service": data["service"] })
}

/// Waits for a moment that may never come.
async fn passes(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
