//! One open stream: it waits for changes, gathers them for a moment, reads the rows and tells them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;

use super::hub::End;
use super::{Change, Changed, Kind, MOST, Pending, Seat};
use crate::app::App;
use crate::auth::{Caller, Role};
use crate::db::{self, Scope};
use crate::{deployments, groups, sites};

/// The shortest time between two events.
const BETWEEN: Duration = Duration::from_millis(250);
/// How long the first change waits for those that come with it.
const GATHERED: Duration = Duration::from_millis(30);
/// After how much silence a comment shows that the connection lives.
const SILENCE: Duration = Duration::from_secs(15);
/// After how long rows that could not be read are tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// A stream reads for at most one part in this many of the time: what is slow is asked for less often.
const REST: u32 = 10;
/// Orders that ended this long ago are told once more: between a report and its telling the database may be away.
const ENDED: Duration = Duration::from_secs(30);

/// An open stream.
pub(super) struct Open {
    app: App,
    caller: Caller,
    seat: Seat,
    pending: Pending,
    /// When the next event may leave.
    next: Instant,
    /// When a comment is due.
    comment: Instant,
    greeted: bool,
    is_over: bool,
}

/// What a stream does next.
enum Turn {
    Ends(End),
    Hears(Result<Change, RecvError>),
    Acts,
}

impl Open {
    pub(super) fn new(app: App, caller: Caller, seat: Seat) -> Self {
        let now = Instant::now();
        Self {
            app,
            caller,
            seat,
            pending: Pending::default(),
            next: now,
            comment: now + SILENCE,
            greeted: false,
            is_over: false,
        }
    }

    /// The stream's bytes, until it is over.
    pub(super) fn bytes(self) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> + Send {
        stream::unfold(self, |mut open| async move { open.told().await.map(|bytes| (Ok(bytes), open)) })
    }

    /// The next bytes, or nothing when the stream is over.
    async fn told(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        if !self.greeted {
            self.greeted = true;
            return Some(event("hello", &json!({ "at": self.app.clock.now(), "version": crate::health::VERSION })));
        }
        loop {
            match self.turn().await {
                Turn::Ends(End::Session) => return Some(self.over()),
                Turn::Ends(End::Stop) => return None,
                Turn::Hears(change) => self.hear(change),
                Turn::Acts if self.pending.is_empty() => {
                    self.comment = Instant::now() + SILENCE;
                    return Some(Bytes::from_static(b":\n\n"));
                }
                Turn::Acts => match self.tell().await {
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(bytes) => return Some(bytes),
                    Err(End::Session) => return Some(self.over()),
                    Err(End::Stop) => return None,
                },
            }
        }
    }

    async fn turn(&mut self) -> Turn {
        // Once something waits to be told, what else comes lies in the hub until then.
        let is_idle = self.pending.is_empty();
        let acts = if is_idle { self.comment } else { self.next };
        tokio::select! {
            biased;
            end = ended(&mut self.seat.end) => Turn::Ends(end),
            change = self.seat.news.recv(), if is_idle => Turn::Hears(change),
            () = tokio::time::sleep_until(acts) => Turn::Acts,
        }
    }

    fn hear(&mut self, change: Result<Change, RecvError>) {
        self.next = self.next.max(Instant::now() + GATHERED);
        match change {
            Ok(change) => self.pending.add(change, self.seat.watched),
            Err(RecvError::Lagged(_)) => self.pending.lost(),
            // The hub lives as long as the application.
            Err(RecvError::Closed) => {}
        }
        self.pending.keep_only(self.kinds());
    }

    /// What lies in the hub.
    fn gather(&mut self) {
        loop {
            match self.seat.news.try_recv() {
                Ok(change) => self.pending.add(change, self.seat.watched),
                Err(TryRecvError::Lagged(_)) => self.pending.lost(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.pending.keep_only(self.kinds());
    }

    /// The kinds that this caller ever sees.
    fn kinds(&self) -> &'static [Kind] {
        match self.caller.scope() {
            Scope::System | Scope::Staff(_) => &[Kind::Sites, Kind::Deployments, Kind::Videos, Kind::Groups],
            Scope::Agency(..) => &[Kind::Sites, Kind::Groups],
            Scope::Sponsor(..) => &[Kind::Sites],
        }
    }

    /// Reads what has changed and puts it into words; no bytes if there is nothing that this caller sees.
    async fn tell(&mut self) -> Result<Bytes, End> {
        self.gather();
        let began = Instant::now();
        let told = tokio::select! {
            biased;
            end = ended(&mut self.seat.end) => return Err(end),
            told = read(&self.app, &self.caller, &self.pending) => told,
        };
        let now = Instant::now();
        match told {
            Ok(changed) => {
                self.next = now + BETWEEN.max((now - began) * REST);
                let pending = std::mem::take(&mut self.pending);
                let bytes = words(&pending, &changed, self.caller.role());
                if !bytes.is_empty() {
                    self.comment = now + SILENCE;
                }
                Ok(bytes)
            }
            Err(db::Error::SessionGone) => Err(End::Session),
            Err(error) => {
                tracing::debug!(%error, "changes could not be read yet");
                self.next = now + AGAIN;
                Ok(Bytes::new())
            }
        }
    }

    fn over(&mut self) -> Bytes {
        self.is_over = true;
        event("end", &json!({ "reason": "session" }))
    }
}

/// Waits for the reason to end.
async fn ended(end: &mut tokio::sync::watch::Receiver<Option<End>>) -> End {
    match end.wait_for(Option::is_some).await {
        Ok(end) => end.unwrap_or(End::Stop),
        // The session's entry lives as long as its streams.
        Err(_) => End::Stop,
    }
}

/// The rows that have changed, as this caller sees them now.
async fn read(app: &App, caller: &Caller, pending: &Pending) -> Result<Changed, db::Error> {
    let _turn = app.changes.turn().await;
    let (scope, now) = (caller.scope(), app.clock.now());
    let watched = pending.beat.as_ref().map(|beat| beat.site_id);
    let (orders, at_work) = (pending.deployments.iter().copied(), pending.work.iter().copied());
    let one_more = i64::try_from(MOST).unwrap_or(i64::MAX) + 1;
    let flush = (
        sites::store::among(scope, pending.sites.iter().copied().chain(watched).collect(), now),
        deployments::store::among(scope, orders.collect(), at_work.collect(), now.minus(ENDED), one_more),
        groups::store::among(scope, pending.groups.iter().copied().collect()),
    );
    let (mut sites, mut deployments, groups) = caller.at(now).run(flush).await?;
    deployments = deployments.into_iter().map(|order| order.with_addresses(&app.storage)).collect();
    if caller.role() == Role::Sponsor {
        sites = sites.into_iter().map(sites::SiteView::for_sponsor).collect();
    }
    let mut stale: Vec<Kind> = pending.stale.iter().copied().collect();
    if deployments.len() > MOST {
        deployments.clear();
        stale.push(Kind::Deployments);
    }
    Ok(Changed { sites, deployments, videos: pending.videos.iter().copied().collect(), groups, stale })
}

/// The events for what was read. What a box measures is for those who may ask for it as well.
fn words(pending: &Pending, changed: &Changed, role: Role) -> Bytes {
    let mut words = Vec::new();
    if !changed.is_empty() {
        words.extend_from_slice(&event("changes", changed));
    }
    if let Some(beat) = pending.beat.as_ref().filter(|_| role != Role::Sponsor)
        && changed.sites.iter().any(|site| site.id == beat.site_id)
    {
        words.extend_from_slice(&event("heartbeat", beat));
    }
    words.into()
}

/// An event in the form of the HTML standard, section 9.2. JSON has no line break.
fn event(name: &str, data: &impl Serialize) -> Bytes {
    match serde_json::to_string(data) {
        Ok(data) => format!("event: {name}\ndata: {data}\n\n").into(),
        Err(error) => {
            tracing::error!(%error, name, "an event could not be written");
            Bytes::new()
        }
    }
}
