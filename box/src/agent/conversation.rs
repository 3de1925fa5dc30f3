//! One connection, from `authenticate` to its end.

use std::sync::Arc;

use neopro_protocol::{Authenticate, Authenticated, Desired, PROTOCOL, Progress, Reported, ReportedAck, RevisionAck};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout_at};

use super::Agent;
use super::answers::Answers;
use super::reports::{Reports, Sent};
use crate::configuration::Mirror;
use crate::files::{Note, Progresses};
use crate::link::{Asked, Ended, Incoming, Link, MAX_MESSAGE, Question};
use crate::state::{StateError, Wanted};
use crate::system::{Figures, room};

/// Why a conversation is over.
#[derive(Debug)]
pub(super) enum Over {
    /// The server does not know us; its words.
    Refused(String),
    /// Anything else.
    Lost(Ended),
}

impl From<Ended> for Over {
    fn from(ended: Ended) -> Self {
        Self::Lost(ended)
    }
}

/// One connection.
pub(super) struct Conversation<'a> {
    agent: &'a mut Agent,
    link: Link,
    reports: Reports,
    figures: Figures,
    told: Progresses,
    /// The hash of a document that was sent, and the report behind it: the server reads in order, so that its answer
    /// to the report is one to the document too.
    mirrored: Option<String>,
    confirms: Option<(Question, String)>,
    /// What is wanted and could not be kept yet.
    unkept: Option<(Arc<Desired>, Option<Asked>)>,
    answers: Answers,
    unknown_events: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LocalState<'a> {
    site_id: &'a str,
    config_hash: &'a str,
    config: &'a RawValue,
    timestamp: String,
}

impl<'a> Conversation<'a> {
    /// Connects and speaks. Returns whether the server has known us, and why it is over.
    pub async fn hold(agent: &'a mut Agent, open_report: &mut Option<Sent>) -> (bool, Over) {
        let link = match Link::connect(&agent.dialer, &agent.central.server, agent.rhythm.patience).await {
            Ok(link) => link,
            Err(ended) => return (false, ended.into()),
        };
        let reports = Reports::begin(agent.rhythm.report, open_report.take());
        let mut conversation = Self {
            agent,
            link,
            reports,
            figures: Figures::default(),
            told: Progresses::new(),
            mirrored: None,
            confirms: None,
            unkept: None,
            answers: Answers::begin(),
            unknown_events: 0,
        };
        let welcome = match conversation.authenticate().await {
            Ok(welcome) => welcome,
            Err(over) => return (false, over),
        };
        let over = match conversation.speak(welcome).await {
            Ok(never) => match never {},
            Err(over) => over,
        };
        if conversation.unknown_events > 0 {
            tracing::info!(count = conversation.unknown_events, "events that this version does not know were ignored");
        }
        *open_report = conversation.reports.into_open();
        (true, over)
    }

    async fn authenticate(&mut self) -> Result<Authenticated, Over> {
        let central = &self.agent.central;
        let claim = Authenticate {
            site_id: central.site_id.clone(),
            api_key: central.api_key.expose().to_owned(),
            protocol: Some(PROTOCOL),
            agent_version: Some(env!("CARGO_PKG_VERSION").into()),
            device_key: Some(self.agent.device_key.clone()),
            capabilities: vec!["desired".into(), "commands".into()],
            revision: Some(self.kept_revision().await),
        };
        self.link.emit("authenticate", &claim).await?;
        let until = Instant::now() + self.agent.rhythm.patience.connect;
        loop {
            let incoming = timeout_at(until, self.link.next()).await.map_err(|_| Ended::Silent)??;
            let Incoming::Event { name, data, .. } = incoming else { continue };
            match name.as_str() {
                "authenticated" => {
                    tracing::info!("connected to the server");
                    return Ok(serde_json::from_value(data).map_err(|_| Ended::Malformed)?);
                }
                "auth_error" => return Err(Over::Refused(data["message"].as_str().unwrap_or_default().to_owned())),
                "ping_check" => self.link.emit_bare("pong_check").await?,
                // What is broadcast to everybody has nothing for us yet.
                _ => self.unknown_events += 1,
            }
        }
    }

    async fn speak(&mut self, welcome: Authenticated) -> Result<std::convert::Infallible, Over> {
        // A server of NeoPro 1 would never acknowledge a report.
        let reports = welcome.protocol.is_some_and(|protocol| protocol >= PROTOCOL);
        if reports {
            self.take_origins(welcome.media_origins).await;
        }
        let mut heartbeat = ticks(self.agent.rhythm.heartbeat);
        let mut progress = ticks(self.agent.rhythm.progress);
        self.mirror().await?;
        self.answers.welcome(reports, self.agent, &mut self.link).await?;
        loop {
            let due = self.reports.due().filter(|_| reports);
            tokio::select! {
                incoming = self.link.next() => self.hear(incoming?).await?,
                _ = heartbeat.tick() => self.beat().await?,
                _ = progress.tick(), if reports => self.tell_progress().await?,
                changed = self.agent.inventory.changed() => {
                    changed.map_err(|_| Ended::Closed)?;
                    self.reports.changed();
                }
                changed = self.agent.configuration.changed() => {
                    changed.map_err(|_| Ended::Closed)?;
                    self.mirror().await?;
                }
                works = self.agent.desk.changed() => {
                    if !works {
                        return Err(Ended::Closed.into());
                    }
                    self.answers.send(self.agent, &mut self.link).await?;
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.report().await?,
            }
        }
    }

    async fn hear(&mut self, incoming: Incoming) -> Result<(), Over> {
        match incoming {
            Incoming::Event { name, data, asked } => self.heed(&name, data, asked).await,
            Incoming::Answer { to, data } => {
                if self.answers.heard(to, &data, self.agent, &mut self.link).await? {
                    return Ok(());
                }
                if let Some((_, hash)) = self.confirms.take_if(|(question, _)| *question == to) {
                    self.keep_mirrored(hash).await;
                }
                let ack: ReportedAck = serde_json::from_value(data).unwrap_or_default();
                if let Some(inventory) = self.reports.acknowledged(to, ack.sequence)
                    && inventory.drift_up_to > 0
                    && self.agent.notes.send(Note::DriftReported(inventory.drift_up_to)).await.is_err()
                {
                    tracing::debug!("the keeper has ended");
                }
                Ok(())
            }
            Incoming::Unanswered(question) => {
                self.reports.unanswered(question);
                Ok(self.answers.unanswered(question, self.agent, &mut self.link).await?)
            }
        }
    }

    async fn heed(&mut self, name: &str, data: Value, asked: Option<Asked>) -> Result<(), Over> {
        match name {
            "ping_check" => Ok(self.link.emit_bare("pong_check").await?),
            "desired" => self.desire(data, asked).await,
            "command" => Ok(self.answers.take(data, asked, self.agent, &mut self.link).await?),
            "auth_error" => Err(Over::Refused(data["message"].as_str().unwrap_or_default().to_owned())),
            _ => {
                self.unknown_events += 1;
                tracing::debug!(name, "an event that this version does not know");
                Ok(())
            }
        }
    }

    /// Keeps what the server wants, then says so. What cannot be kept is done all the same, and said when it is kept:
    /// on a full card, it may be what makes room.
    async fn desire(&mut self, data: Value, asked: Option<Asked>) -> Result<(), Over> {
        let desired: Desired = match serde_json::from_value(data) {
            Ok(desired) => desired,
            Err(error) => {
                tracing::error!(%error, "the desired state cannot be read");
                return Ok(());
            }
        };
        let desired = Arc::new(desired);
        let kept = self.agent.state.keep_desired(desired.clone()).await;
        let known = self.agent.wanted.borrow().clone();
        if desired.revision > known.desired.revision {
            tracing::info!(revision = desired.revision, media = desired.media.len(), "the server wants something else");
            let wanted = Wanted { desired: desired.as_ref().clone(), origins: known.origins.clone() };
            self.agent.wanted.send_replace(Arc::new(wanted));
        }
        self.kept(kept, desired, asked).await
    }

    /// Acknowledges what is kept, or remembers that it is not.
    async fn kept(
        &mut self,
        kept: Result<i64, StateError>,
        desired: Arc<Desired>,
        asked: Option<Asked>,
    ) -> Result<(), Over> {
        self.unkept = None;
        match (kept, asked) {
            (Ok(revision), Some(asked)) => self.link.answer(asked, &RevisionAck { revision }).await?,
            (Ok(_), None) => {}
            (Err(error), asked) => {
                tracing::error!(%error, revision = desired.revision, "the desired state could not be kept");
                self.unkept = Some((desired, asked));
            }
        }
        Ok(())
    }

    async fn keep_again(&mut self) -> Result<(), Over> {
        let Some((desired, asked)) = self.unkept.take() else { return Ok(()) };
        let kept = self.agent.state.keep_desired(desired.clone()).await;
        self.kept(kept, desired, asked).await
    }

    /// The revision that is kept: what is only known is wanted again from the server.
    async fn kept_revision(&self) -> i64 {
        self.agent.state.wanted().await.map_or_else(
            |error| {
                tracing::error!(%error, "it is not known what is kept of the desired state");
                self.agent.wanted.borrow().desired.revision
            },
            |wanted| wanted.desired.revision,
        )
    }

    async fn take_origins(&mut self, origins: Vec<String>) {
        let known = self.agent.wanted.borrow().clone();
        if known.origins == origins {
            return;
        }
        if let Err(error) = self.agent.state.keep_origins(origins.clone()).await {
            tracing::error!(%error, "the origins of media could not be kept");
        }
        self.agent.wanted.send_replace(Arc::new(Wanted { desired: known.desired.clone(), origins }));
    }

    async fn beat(&mut self) -> Result<(), Over> {
        self.keep_again().await?;
        self.answers.keep_again(self.agent, &mut self.link).await?;
        let version = env!("CARGO_PKG_VERSION");
        let metrics = self.figures.read(&self.agent.videos);
        let heartbeat = json!({
            "siteId": self.agent.central.site_id,
            "timestamp": metrics["timestamp"],
            "metrics": metrics,
            "softwareVersion": version,
            "versionInfo": {"version": version, "commit": null, "buildDate": null, "source": "neopro-box"},
        });
        Ok(self.link.emit("heartbeat", &heartbeat).await?)
    }

    async fn tell_progress(&mut self) -> Result<(), Over> {
        let now = self.agent.progress.borrow_and_update().clone();
        for (id, percent) in &now {
            if self.told.get(id) != Some(percent) {
                let progress = Progress { video_id: *id, progress: f64::from(*percent) };
                self.link.emit("deploy_progress", &progress).await?;
            }
        }
        self.told = now;
        Ok(())
    }

    async fn report(&mut self) -> Result<(), Over> {
        let inventory = self.agent.inventory.borrow_and_update().clone();
        let sequence = match self.reports.known_number(&inventory) {
            Some(sequence) => sequence,
            // Kept before it is sent: a number is never used for two reports.
            None => self.agent.state.next_sequence().await,
        };
        let report = Reported {
            revision: inventory.revision,
            sequence,
            inventory: inventory.items.clone(),
            drift: inventory.drift.clone(),
            free_bytes: room(&self.agent.videos).map(|room| room.free),
        };
        let question = self.link.ask("reported", &report).await?;
        if let Some(hash) = self.mirrored.clone() {
            self.confirms = Some((question, hash));
        }
        self.reports.sent(sequence, inventory, question);
        Ok(())
    }

    /// Sends the club's document, if it is another than the server has.
    async fn mirror(&mut self) -> Result<(), Over> {
        let current = self.agent.configuration.borrow_and_update().clone();
        let Some(mirror) = &current.mirror else { return Ok(()) };
        let Mirror { hash, document } = mirror.as_ref();
        let sent = self.agent.state.mirrored().await.unwrap_or_else(|error| {
            tracing::error!(%error, "it is not known what the server has of the configuration");
            None
        });
        if self.mirrored.as_ref().or(sent.as_ref()) == Some(hash) {
            return Ok(());
        }
        if document.get().len() > MAX_MESSAGE / 2 {
            tracing::error!(bytes = document.get().len(), "the configuration is too large for the server");
            return Ok(());
        }
        // From now until it is confirmed it is not known what the server has.
        if let Err(error) = self.agent.state.keep_mirrored(String::new()).await {
            tracing::error!(%error, "what the server has of the configuration could not be kept");
        }
        let state = LocalState {
            site_id: &self.agent.central.site_id,
            config_hash: hash,
            config: document,
            timestamp: crate::clock::iso(),
        };
        self.link.emit("sync_local_state", &state).await?;
        self.mirrored = Some(hash.clone());
        Ok(())
    }

    async fn keep_mirrored(&mut self, hash: String) {
        self.mirrored = self.mirrored.take().filter(|newer| *newer != hash);
        if let Err(error) = self.agent.state.keep_mirrored(hash).await {
            tracing::error!(%error, "what the server has of the configuration could not be kept");
        }
    }
}

/// Ticks at once and then at every interval; after a pause it does not catch up.
fn ticks(every: std::time::Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
