//! One simulated box: one task.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use neopro_box::link::{BackOff, Ended, Incoming, Link};
use neopro_protocol::{
    Authenticate, Authenticated, Desired, Media, PROTOCOL, Progress, Reason, Reported, ReportedAck, RevisionAck,
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout_at};

use super::figures::{CARD, Machine};
use super::journal::Event;
use super::reports::Reports;
use super::sink::{Job, Taken, download};
use super::stock::Stock;
use super::{Fault, Fleet, Site};

/// A box.
pub(super) struct Simulated {
    fleet: Arc<Fleet>,
    site: Site,
    machine: Machine,
    stock: Stock,
    reports: Reports,
    origins: Vec<String>,
    link: Option<Link>,
    coming: Option<Coming>,
    heartbeats: u64,
    /// It reports after a new connection only what was not acknowledged.
    is_trusting: bool,
}

/// A file on its way.
struct Coming {
    media: Media,
    came: Arc<AtomicU64>,
    told: u64,
    work: Pin<Box<dyn Future<Output = Result<Taken, Reason>> + Send>>,
}

/// Why a connection is over.
enum Over {
    Refused(String),
    Lost(Ended),
    /// The box's network goes away for so long.
    Away(Duration),
}

impl From<Ended> for Over {
    fn from(ended: Ended) -> Self {
        Self::Lost(ended)
    }
}

/// The end of the download, if there is one.
async fn landed(coming: &mut Option<Coming>) -> Result<Taken, Reason> {
    match coming {
        Some(coming) => coming.work.as_mut().await,
        None => std::future::pending().await,
    }
}

impl Simulated {
    pub fn new(fleet: Arc<Fleet>, site: Site) -> Self {
        let machine = Machine::of(&site, &fleet.trouble);
        let (reports, is_trusting) = (Reports::new(fleet.rhythm.report), fleet.trouble.is_trusting(site.id));
        Self {
            fleet,
            site,
            machine,
            stock: Stock::default(),
            reports,
            origins: Vec::new(),
            link: None,
            coming: None,
            heartbeats: 0,
            is_trusting,
        }
    }

    /// Lives until it is told to stop, and then says goodbye.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            never = self.live() => match never {},
            // Whoever could stop it has gone: that is a reason to stop too.
            _ = stop.wait_for(|stop| *stop) => {}
        }
        if let Some(link) = self.link.take() {
            link.close().await;
        }
        self.note(&Event::Holds { revision: self.stock.revision(), files: self.stock.there() });
    }

    fn has(&self, fault: Fault) -> bool {
        self.site.fault == Some(fault)
    }

    fn note(&self, event: &Event) {
        self.fleet.journal.note(self.site.id, event);
    }

    async fn live(&mut self) -> Infallible {
        let rhythm = self.fleet.rhythm;
        sleep(self.fleet.trouble.share("start", self.site.id, rhythm.spread)).await;
        let (mut lost, mut refused) = (BackOff::new(rhythm.come_back), BackOff::new(rhythm.refused));
        loop {
            let over = match self.connect().await {
                Ok(()) => {
                    lost.succeeded();
                    refused.succeeded();
                    match self.converse().await {
                        Ok(never) => match never {},
                        Err(over) => over,
                    }
                }
                Err(over) => over,
            };
            self.link = None;
            let (event, wait) = match over {
                Over::Refused(message) => (Event::Refused { message }, refused.failed()),
                Over::Lost(ended) => (Event::Lost { why: ended.to_string() }, lost.failed()),
                Over::Away(wait) => {
                    let milliseconds = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    self.note(&Event::Away { milliseconds });
                    // Without a network a download does not go on either.
                    sleep(wait).await;
                    continue;
                }
            };
            self.note(&event);
            self.alongside(sleep(wait)).await;
        }
    }

    /// Waits for something while the download goes on.
    async fn alongside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                taken = landed(&mut self.coming) => self.landed(taken),
            }
        }
    }

    async fn connect(&mut self) -> Result<(), Over> {
        let fleet = self.fleet.clone();
        let patience = fleet.rhythm.patience;
        let link = self.alongside(Link::connect(&fleet.dialer, &fleet.server, patience)).await?;
        let link = self.link.insert(link);
        let claim = Authenticate {
            site_id: self.site.id.to_string(),
            api_key: self.site.key.clone(),
            protocol: Some(PROTOCOL),
            agent_version: Some(env!("CARGO_PKG_VERSION").into()),
            device_key: None,
            capabilities: vec!["desired".into()],
            revision: Some(self.stock.revision()),
        };
        link.emit("authenticate", &claim).await?;
        let until = Instant::now() + patience.connect;
        loop {
            let incoming = timeout_at(until, link.next()).await.map_err(|_| Ended::Silent)??;
            let Incoming::Event { name, data, .. } = incoming else { continue };
            match name.as_str() {
                "authenticated" => {
                    let welcome: Authenticated = serde_json::from_value(data).map_err(|_| Ended::Malformed)?;
                    self.origins = welcome.media_origins;
                    self.note(&Event::Authenticated { revision: self.stock.revision() });
                    self.reports.connected();
                    if !self.is_trusting {
                        self.reports.changed();
                    }
                    return Ok(());
                }
                "auth_error" => return Err(Over::Refused(data["message"].as_str().unwrap_or_default().to_owned())),
                "ping_check" => link.emit_bare("pong_check").await?,
                // What is said to everybody has nothing for a box.
                _ => {}
            }
        }
    }

    async fn converse(&mut self) -> Result<Infallible, Over> {
        let rhythm = self.fleet.rhythm;
        let first = Instant::now() + self.fleet.trouble.share("heartbeat", self.site.id, rhythm.heartbeat);
        let mut heartbeat = interval_at(first, rhythm.heartbeat);
        let mut progress = interval_at(first, rhythm.progress);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A file whose origin was not announced before may come now.
        self.work();
        loop {
            let due = self.reports.due();
            let Some(link) = &mut self.link else { return Err(Ended::Closed.into()) };
            tokio::select! {
                incoming = link.next() => self.hear(incoming?).await?,
                taken = landed(&mut self.coming) => self.landed(taken),
                _ = heartbeat.tick() => self.beat().await?,
                _ = progress.tick() => self.tell_progress().await?,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.report().await?,
            }
        }
    }

    fn link(&mut self) -> Result<&mut Link, Ended> {
        self.link.as_mut().ok_or(Ended::Closed)
    }

    async fn hear(&mut self, incoming: Incoming) -> Result<(), Over> {
        match incoming {
            Incoming::Event { name, data, asked } => match name.as_str() {
                "desired" => {
                    // What cannot be read is not acknowledged, and so the server says it again.
                    let desired: Desired = serde_json::from_value(data).map_err(|_| Ended::Malformed)?;
                    self.take_over(desired);
                    let revision = self.stock.revision();
                    if let Some(asked) = asked {
                        self.link()?.answer(asked, &RevisionAck { revision }).await?;
                    }
                }
                "ping_check" => self.link()?.emit_bare("pong_check").await?,
                "auth_error" => return Err(Over::Refused(data["message"].as_str().unwrap_or_default().to_owned())),
                "command" => self.decline(&data).await?,
                _ => {}
            },
            Incoming::Answer { to, data } => {
                let ack: ReportedAck = serde_json::from_value(data).unwrap_or_default();
                if let Some(report) = self.reports.acknowledged(to, ack.sequence) {
                    self.acknowledged(report).await?;
                }
            }
            Incoming::Unanswered(question) => self.reports.unanswered(question),
        }
        Ok(())
    }

    async fn acknowledged(&mut self, report: Reported) -> Result<(), Over> {
        let sequence = report.sequence;
        self.note(&Event::Acknowledged { sequence });
        let is_kept = self.fleet.trouble.is_repeated(self.site.id, sequence);
        if let Some(echo) = self.reports.echo(is_kept.then_some(report)) {
            self.note(&Event::Repeated { sequence: echo.sequence });
            self.link()?.emit("reported", &echo).await?;
        }
        Ok(())
    }

    async fn decline(&mut self, command: &Value) -> Result<(), Over> {
        let result = json!({
            "commandId": command["id"],
            "status": "error",
            "error": "Une box simulée ne connaît pas cette commande.",
        });
        Ok(self.link()?.emit("command_result", &result).await?)
    }

    fn take_over(&mut self, desired: Desired) {
        let Some(removed) = self.stock.take_over(desired) else { return };
        let revision = self.stock.revision();
        self.note(&Event::Desired { revision, files: self.stock.wanted() });
        for sha256 in removed {
            self.note(&Event::Removed { sha256, revision });
        }
        if let Some(coming) = self.coming.take_if(|coming| !self.stock.is_coming(&coming.media)) {
            self.stock.call_off(&coming.media.sha256);
        }
        self.reports.changed();
        self.work();
    }

    /// Begins the next file, if none is on its way.
    fn work(&mut self) {
        while self.coming.is_none() {
            let Some(media) = self.stock.begin() else { return };
            self.reports.changed();
            if self.has(Fault::DiskFull) || self.fleet.trouble.is_full(self.site.id, &media.sha256, media.attempt) {
                self.give_up(&media, Reason::DiskFull);
                continue;
            }
            let came = Arc::new(AtomicU64::new(0));
            let job = Job {
                media: media.clone(),
                origins: self.origins.clone(),
                dialer: self.fleet.dialer.clone(),
                pace: self.fleet.rhythm.come_back,
                slow: if self.has(Fault::Slow) { Some(self.fleet.crawl) } else { self.fleet.slow },
                came: came.clone(),
            };
            self.coming = Some(Coming { media, came, told: 0, work: Box::pin(download(job)) });
        }
    }

    /// The download has ended.
    fn landed(&mut self, taken: Result<Taken, Reason>) {
        let Some(Coming { media, .. }) = self.coming.take() else { return };
        let is_corrupt =
            self.has(Fault::Corrupt) || self.fleet.trouble.is_corrupt(self.site.id, &media.sha256, media.attempt);
        match taken {
            Ok(_) if is_corrupt => self.give_up(&media, Reason::ChecksumMismatch),
            Ok(Taken { bytes, connections }) => {
                self.stock.settle(&media.sha256, Ok(()));
                let Media { sha256, attempt, .. } = media;
                self.note(&Event::Downloaded { sha256, attempt, bytes, connections });
            }
            Err(reason) => self.give_up(&media, reason),
        }
        self.reports.changed();
        self.work();
    }

    fn give_up(&mut self, media: &Media, reason: Reason) {
        self.stock.settle(&media.sha256, Err(reason));
        self.note(&Event::Failed { sha256: media.sha256.clone(), attempt: media.attempt, reason });
    }

    async fn report(&mut self) -> Result<(), Over> {
        let stock = &self.stock;
        let machine = &self.machine;
        let report = self.reports.next(|| Reported {
            revision: stock.revision(),
            inventory: stock.inventory(),
            free_bytes: Some(CARD.saturating_sub(machine.used_bytes(stock.bytes()))),
            ..Reported::default()
        });
        let is_there = |item: &&neopro_protocol::Item| item.state == neopro_protocol::ItemState::Installed;
        let installed = report.inventory.iter().filter(is_there).map(|item| item.sha256.clone()).collect();
        let event = Event::Reported { sequence: report.sequence, revision: report.revision, installed };
        let Some(link) = &mut self.link else { return Err(Ended::Closed.into()) };
        let question = link.ask("reported", report).await?;
        self.reports.sent(question);
        self.note(&event);
        Ok(())
    }

    async fn tell_progress(&mut self) -> Result<(), Over> {
        let Some(coming) = &mut self.coming else { return Ok(()) };
        let percent = coming.came.load(Ordering::Relaxed).saturating_mul(100) / coming.media.bytes.max(1);
        if percent == coming.told {
            return Ok(());
        }
        coming.told = percent;
        let percent = u32::try_from(percent).unwrap_or(100);
        let progress = Progress { video_id: coming.media.id, progress: f64::from(percent) };
        Ok(self.link()?.emit("deploy_progress", &progress).await?)
    }

    async fn beat(&mut self) -> Result<(), Over> {
        self.heartbeats += 1;
        let (site, beats, trouble) = (self.site.id, self.heartbeats, &self.fleet.trouble);
        if self.has(Fault::Offline) && beats > 1 {
            return Err(Over::Away(trouble.away));
        }
        if let Some(wait) = trouble.goes_away(site, beats) {
            return Err(Over::Away(wait));
        }
        let version = env!("CARGO_PKG_VERSION");
        let now = neopro_box::clock::unix_millis();
        let mut metrics = self.machine.figures(now, self.coming.is_some(), self.stock.bytes());
        metrics["uptime"] = json!(self.machine.born_seconds + self.fleet.began.elapsed().as_secs());
        metrics["localIp"] = json!(format!("192.168.1.{}", 20 + site.as_u128() % 200));
        metrics["timestamp"] = json!(now);
        let heartbeat = json!({
            "siteId": site,
            "timestamp": now,
            "metrics": metrics,
            "softwareVersion": version,
            "versionInfo": {"version": version, "commit": null, "buildDate": null, "source": "neopro-fleet"},
        });
        Ok(self.link()?.emit("heartbeat", &heartbeat).await?)
    }
}
