//! Who is there: one connection a site, and what was heard of each since it was last written down.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Notify;

use super::figures::Gathered;
use super::session::Handle;
use crate::clock::Time;
use crate::ids::SiteId;

/// How long a connected box may be silent before its connection is given up. Boxes beat every 30 s.
const ZOMBIE: Duration = Duration::from_secs(90);

/// How long a dismissal is kept in mind: longer than it takes to compare a key.
const DISMISSED: Duration = Duration::from_secs(300);

/// The boxes that are connected to this replica.
#[derive(Debug, Default)]
pub struct Hub {
    connected: Mutex<HashMap<SiteId, Connected>>,
    news: Mutex<HashMap<SiteId, News>>,
    /// Sites that were dismissed of late, and when.
    dismissed: Mutex<HashMap<SiteId, Instant>>,
    pub(super) figures: Gathered,
    /// Somebody came or went.
    stirred: Notify,
}

#[derive(Debug)]
struct Connected {
    handle: Handle,
    /// When it came, and how the hash of the key begins that it showed.
    arrival: (Time, i64),
    /// The last sign of life: how long ago, whatever the wall clock does, and the moment that is noted of it.
    heard: Instant,
    seen: Time,
    /// What it said last of what it runs and where, a heartbeat for the most part says the same.
    said: Option<(Option<String>, Option<String>)>,
}

/// What is to be written down about a site.
#[derive(Debug, Clone)]
pub struct News {
    /// When it was last heard of.
    pub seen: Time,
    /// Whether it is connected.
    pub online: bool,
    /// When it came here, if it came since the last time that something was written down.
    pub arrived: Option<Time>,
    /// Its public address.
    pub ip: Option<String>,
    /// Its address within the club.
    pub local_ip: Option<String>,
    /// What it runs.
    pub software_version: Option<String>,
    /// Whether somebody who looks at the site sees it: it came, went, or says something new of itself.
    pub shows: bool,
}

impl Hub {
    /// A box has proven who it is. Its former connection, if there is one, is closed; the site does not go
    /// offline for it.
    pub fn arrived(&self, site: SiteId, handle: Handle, key: i64, now: Time) {
        let ip = handle.address().to_string();
        let connected = Connected { handle, arrival: (now, key), heard: Instant::now(), seen: now, said: None };
        let before = lock(&self.connected).insert(site, connected);
        if let Some(before) = before {
            before.handle.close();
        }
        let (local_ip, software_version) = (None, None);
        let (ip, arrived) = (Some(ip), Some(now));
        self.note(site, News { seen: now, online: true, arrived, ip, local_ip, software_version, shows: true });
        self.stirred.notify_one();
    }

    /// A connection has ended. Only if it was the site's current one is the site gone.
    pub fn left(&self, site: SiteId, handle: &Handle) {
        let gone = {
            let mut connected = lock(&self.connected);
            match connected.get(&site) {
                Some(current) if current.handle.number() == handle.number() => {}
                _ => return,
            }
            connected.remove(&site)
        };
        let Some(Connected { seen, .. }) = gone else { return };
        // When it was last heard, not when that was noticed: meanwhile it may be connected to another replica. And that
        // very moment, not one that is counted back: a microsecond before what is noted already would be out of date.
        let (arrived, ip, local_ip, software_version) = (None, None, None, None);
        self.note(site, News { seen, online: false, arrived, ip, local_ip, software_version, shows: true });
        self.stirred.notify_one();
    }

    /// Ends every connection, without a word about anybody being away; how many there were.
    pub(super) fn let_go(&self) -> usize {
        let connected = std::mem::take(&mut *lock(&self.connected));
        connected.values().for_each(|connected| connected.handle.close());
        connected.len()
    }

    /// Any sign of life.
    pub fn heard(&self, site: SiteId, now: Time) {
        if let Some(connected) = lock(&self.connected).get_mut(&site) {
            (connected.heard, connected.seen) = (Instant::now(), now.max(connected.seen));
        }
    }

    /// A heartbeat. Fields that are missing or of another type are simply not known.
    pub fn beat(&self, site: SiteId, beat: &Value, now: Time) {
        self.heard(site, now);
        self.figures.add(site, &beat["metrics"], now);
        let text = |value: &Value| value.as_str().filter(|text| text.len() <= 100).map(clean);
        let (local_ip, software_version) = (text(&beat["metrics"]["localIp"]), text(&beat["softwareVersion"]));
        let shows = self.says_something_new(site, &local_ip, &software_version);
        let (arrived, ip) = (None, None);
        self.note(site, News { seen: now, online: true, arrived, ip, local_ip, software_version, shows });
    }

    fn says_something_new(&self, site: SiteId, local_ip: &Option<String>, version: &Option<String>) -> bool {
        let mut connected = lock(&self.connected);
        let Some(connected) = connected.get_mut(&site) else { return false };
        let is_same = connected.said.as_ref().is_some_and(|(ip, runs)| (ip, runs) == (local_ip, version));
        if !is_same {
            connected.said = Some((local_ip.clone(), version.clone()));
        }
        !is_same
    }

    /// Waits until somebody came or went.
    pub(super) async fn stirred(&self) {
        self.stirred.notified().await;
    }

    /// How many boxes are connected here.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.connected).len()
    }

    /// Ends the connection of a site that is deleted or has another key; also one that is about to be, see
    /// [`Hub::was_dismissed_since`].
    pub fn dismiss(&self, site: SiteId) {
        {
            let mut dismissed = lock(&self.dismissed);
            dismissed.retain(|_, at| at.elapsed() < DISMISSED);
            dismissed.insert(site, Instant::now());
        }
        if let Some(connected) = lock(&self.connected).get(&site) {
            connected.handle.close();
        }
    }

    /// Whether a site's box is connected here.
    pub(super) fn is_here(&self, site: SiteId) -> bool {
        lock(&self.connected).contains_key(&site)
    }

    /// When the boxes of these sites came here, or those of all, and the beginnings of the hashes of their keys.
    pub(super) fn arrivals(&self, named: Option<&HashSet<SiteId>>) -> Vec<(SiteId, Time, i64)> {
        let connected = lock(&self.connected);
        let arrival = |site: &SiteId| connected.get(site).map(|box_| (*site, box_.arrival.0, box_.arrival.1));
        match named {
            Some(named) => named.iter().filter_map(arrival).collect(),
            None => connected.keys().filter_map(arrival).collect(),
        }
    }

    /// Ends the connection of a site that came at this moment; one that came since stays.
    pub(super) fn part(&self, site: SiteId, at: Time) {
        // To the microsecond, as the database has it.
        let came = |connected: &&Connected| connected.arrival.0.unix_micros() == at.unix_micros();
        if let Some(connected) = lock(&self.connected).get(&site).filter(came) {
            connected.handle.close();
        }
    }

    /// Whether a site was dismissed since this moment. Who looked its key up before it, and arrived behind it, has to go as
    /// well: it was not there to be dismissed.
    pub(super) fn was_dismissed_since(&self, site: SiteId, moment: Instant) -> bool {
        lock(&self.dismissed).get(&site).is_some_and(|at| *at >= moment)
    }

    /// Asks every box for a sign of life, and gives up those that have given none for too long.
    pub(super) fn ping(&self, now: Time) {
        let question = serde_json::json!({ "timestamp": now.unix_micros() / 1000 });
        for connected in lock(&self.connected).values() {
            if connected.heard.elapsed() > ZOMBIE {
                connected.handle.close();
            } else {
                connected.handle.emit("ping_check", &question);
            }
        }
    }

    /// What is to be written down, taken out.
    pub(super) fn take_news(&self) -> Vec<(SiteId, News)> {
        std::mem::take(&mut *lock(&self.news)).into_iter().collect()
    }

    /// Puts back what could not be written, unless something newer came.
    pub(super) fn put_back(&self, news: Vec<(SiteId, News)>) {
        let mut waiting = lock(&self.news);
        for (site, old) in news {
            let later = |news: &mut News| {
                news.shows |= old.shows;
                news.arrived = news.arrived.or(old.arrived);
            };
            waiting.entry(site).and_modify(later).or_insert(old);
        }
    }

    fn note(&self, site: SiteId, new: News) {
        lock(&self.news)
            .entry(site)
            .and_modify(|news| {
                news.seen = new.seen;
                news.online = new.online;
                news.arrived = new.arrived.or(news.arrived);
                news.shows |= new.shows;
                news.ip = new.ip.clone().or(news.ip.take());
                news.local_ip = new.local_ip.clone().or(news.local_ip.take());
                news.software_version = new.software_version.clone().or(news.software_version.take());
            })
            .or_insert(new);
    }
}

/// Without what the database cannot store.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_arrives_behind_a_dismissal_that_it_has_not_seen_is_known() {
        let (hub, site, other, before) = (Hub::default(), SiteId::new(), SiteId::new(), Instant::now());
        assert!(!hub.was_dismissed_since(site, before));
        hub.dismiss(site);
        assert!(hub.was_dismissed_since(site, before) && !hub.was_dismissed_since(other, before));
        assert!(
            !hub.was_dismissed_since(site, Instant::now() + Duration::from_millis(1)),
            "the next one has the new key"
        );
    }

    #[test]
    fn a_connection_that_ends_is_noted_at_the_very_moment_at_which_it_was_last_heard() {
        let (hub, site, handle) = (Hub::default(), SiteId::new(), Handle::new([127, 0, 0, 1].into()));
        let moment = Time::from_unix_micros;
        hub.arrived(site, handle.clone(), 0, moment(1_000));
        hub.beat(site, &Value::Null, moment(2_000));
        hub.take_news();
        hub.left(site, &Handle::new([127, 0, 0, 1].into()));
        assert!(hub.take_news().is_empty(), "another connection says nothing");
        hub.left(site, &handle);
        let news = hub.take_news();
        assert_eq!((news[0].1.online, news[0].1.seen), (false, moment(2_000)), "what is noted already is no newer");
        // A clock that was set back does not make the last sign of life older than what is noted.
        hub.arrived(site, handle.clone(), 0, moment(5_000));
        hub.heard(site, moment(4_000));
        hub.left(site, &handle);
        assert_eq!(hub.take_news()[0].1.seen, moment(5_000));
    }
}
