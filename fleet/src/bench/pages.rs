//! The lists of sites under load. Somebody renames a site of each list all the while, so that no two answers have to be
//! the same: each has to show a name that was true after its question was asked.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::arrive::milliseconds_each;
use super::beat::Controls;
use super::ledger::Faults;
use super::seed::{REGIONS, site_name};
use super::times::{Times, number};
use super::{Measured, Target};
use crate::identity::identity;

/// Sites of a page.
const PAGE: usize = 100;
/// Between two changes of a name.
const CHANGED_EVERY: Duration = Duration::from_millis(250);
/// One of so many answers is compared whole, the others by the row that changes, their first and their last.
const WHOLE: usize = 40;

/// Which lists, and how long.
#[derive(Debug, Args)]
pub struct Pages {
    #[command(flatten)]
    target: Target,
    /// How many sites the server has.
    #[arg(long)]
    count: usize,
    /// Which lists; each several times, in turn.
    #[arg(long, value_delimiter = ',', default_value = "first,middle,fiftieth,filtered,status")]
    lists: Vec<List>,
    /// How many times each.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of each time.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Callers at the same time, each with a connection that is kept.
    #[arg(long, default_value_t = 8)]
    callers: usize,
}

/// A list that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum List {
    /// The newest hundred.
    First,
    /// The twenty-fifth hundred.
    Middle,
    /// The fiftieth hundred.
    Fiftieth,
    /// Pages of regions, searches and other orders.
    Filtered,
    /// Which boxes are connected, of all sites.
    Status,
}

/// One question, and what its answer has to be.
#[derive(Debug)]
struct Question {
    path: String,
    /// The sites of the answer, in their order.
    sites: Vec<usize>,
    /// How many the whole list has.
    total: usize,
    /// The list of an answer, and what a site is called there.
    names: (&'static str, &'static str, &'static str),
}

const ROWS: (&str, &str, &str) = ("data", "id", "site_name");
const STATUS_ROWS: (&str, &str, &str) = ("sites", "siteId", "siteName");

impl List {
    /// The question of this turn.
    fn question(self, turn: usize, count: usize) -> Question {
        let page = |first: usize| (first.min(count)..(first + PAGE).min(count)).collect::<Vec<usize>>();
        let whole = |path: String, sites| Question { path, sites, total: count, names: ROWS };
        match self {
            Self::First => whole("/api/sites?limit=100".into(), page(0)),
            Self::Middle => whole("/api/sites?limit=100&page=25".into(), page(24 * PAGE)),
            Self::Fiftieth => whole("/api/sites?limit=100&page=50".into(), page(49 * PAGE)),
            Self::Status => {
                let path = "/api/sites/connection-status".into();
                Question { path, sites: (0..count).collect(), total: count, names: STATUS_ROWS }
            }
            Self::Filtered => match turn % 4 {
                // Every site of a region, its first page.
                0 => {
                    let region = turn / 4 % REGIONS.len();
                    let all: Vec<usize> = (region..count).step_by(REGIONS.len()).collect();
                    let path = format!("/api/sites?limit=100&region={}", encoded(REGIONS[region]));
                    Question { path, total: all.len(), sites: all.into_iter().take(PAGE).collect(), names: ROWS }
                }
                // Those whose town begins like that.
                1 => {
                    let site = turn / 4 * 7_919 % count;
                    let path = format!("/api/sites?limit=100&search={}", encoded(&format!("Ville {site}")));
                    let all = begins_with(site, count);
                    Question { path, total: all.len(), sites: all.into_iter().take(PAGE).collect(), names: ROWS }
                }
                // The oldest first, any page.
                2 => {
                    let at = turn / 4 % count.div_ceil(PAGE);
                    let sites = page(at * PAGE).into_iter().map(|site| count - 1 - site).collect();
                    whole(format!("/api/sites?limit=100&order=asc&page={}", at + 1), sites)
                }
                // By name, any page.
                _ => {
                    let at = turn / 4 * 7 % count.div_ceil(PAGE);
                    let path = format!("/api/sites?limit=100&sort=site_name&order=asc&page={}", at + 1);
                    whole(path, page(at * PAGE))
                }
            },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Middle => "middle",
            Self::Fiftieth => "fiftieth",
            Self::Filtered => "filtered",
            Self::Status => "status",
        }
    }

    /// The site that is renamed meanwhile.
    fn changing(self) -> usize {
        match self {
            Self::Middle => 24 * PAGE,
            Self::Fiftieth => 49 * PAGE,
            Self::First | Self::Filtered | Self::Status => 0,
        }
    }
}

/// The numbers whose digits begin with those of a number, in order.
fn begins_with(start: usize, count: usize) -> Vec<usize> {
    let tens = std::iter::successors(Some(1), |ten: &usize| ten.checked_mul(10));
    let spans = tens.map(|ten| start * ten..start * ten + ten).take_while(|span| span.start < count);
    // No number but zero itself begins with a zero.
    let spans = spans.take(if start == 0 { 1 } else { usize::MAX });
    spans.flatten().filter(|number| *number < count).collect()
}

/// The text of a query's value.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The names that a site has had: up to which it was asked for, and up to which that was confirmed.
#[derive(Debug, Default)]
struct Renamed {
    asked: AtomicU64,
    confirmed: AtomicU64,
}

/// What one list has cost.
#[derive(Debug, Default)]
struct Round {
    times: Times,
    bytes: usize,
    whole: usize,
    faults: Faults,
    found: usize,
}

impl Pages {
    pub(super) async fn run(self) -> Result<Value, String> {
        let measured = Measured::new(self.target.clone()).await?;
        let lists: Vec<List> = self.lists.iter().copied().filter(|list| list.changing() < self.count).collect();
        // Of each site that is renamed.
        let names: HashMap<usize, Renamed> = lists.iter().map(|list| (list.changing(), Renamed::default())).collect();
        let (mut controls, mut faults) = (Controls::default(), Faults::default());
        let mut rounds: Vec<(List, Value)> = Vec::new();
        for _ in 0..self.rounds {
            for list in &lists {
                let renamed = &names[&list.changing()];
                let figures = self.round(&measured, *list, renamed, &mut faults, &mut controls).await?;
                rounds.push((*list, figures));
            }
        }
        let of = |list: &List| rounds.iter().filter(|(of, _)| of == list).map(|(_, it)| it.clone()).collect::<Vec<_>>();
        let lists: serde_json::Map<String, Value> =
            lists.iter().map(|list| (list.name().to_owned(), Value::Array(of(list)))).collect();
        Ok(json!({
            "sites": self.count, "lists": lists,
            "controls": controls.json(), "faults": { "count": faults.count(), "first": faults.told() },
        }))
    }

    async fn round(
        &self,
        measured: &Measured,
        list: List,
        renamed: &Renamed,
        faults: &mut Faults,
        controls: &mut Controls,
    ) -> Result<Value, String> {
        let ended = AtomicBool::new(false);
        let before = measured.processes.cost()?;
        let began = Instant::now();
        let until = began + Duration::from_secs(self.seconds);
        let reading = async {
            let each = (0..self.callers).map(|caller| self.read(measured, list, renamed, (caller, until)));
            let read = futures_util::future::try_join_all(each).await;
            ended.store(true, Ordering::Relaxed);
            read
        };
        let (read, changed) = tokio::join!(reading, self.change(measured, list, renamed, &ended));
        changed?;
        let (seconds, spent) = (began.elapsed().as_secs_f64(), measured.processes.cost()?.since(before));
        let mut all = Round::default();
        for round in read? {
            all.times.extend(round.times);
            all.bytes += round.bytes;
            all.whole += round.whole;
            all.found += round.found;
            faults.extend(round.faults.told().iter().cloned());
        }
        let found = if all.found == self.callers { vec!["found".to_owned()] } else { Vec::new() };
        controls.expect(&found);
        let requests = all.times.count();
        Ok(json!({
            "requests": requests, "per_second": number(requests) / seconds, "times": all.times.json(),
            "cpu_ms": milliseconds_each(spent, requests.max(1)), "bytes_each": all.bytes / requests.max(1),
            "compared_whole": all.whole,
        }))
    }

    async fn read(
        &self,
        measured: &Measured,
        list: List,
        renamed: &Renamed,
        (caller, until): (usize, Instant),
    ) -> Result<Round, String> {
        let mut connection = measured.caller().await?;
        let mut round = Round::default();
        let mut turn = caller * 1_000;
        while Instant::now() < until {
            let question = list.question(turn, self.count);
            let expected = Expected { pages: self, question: &question, changing: list.changing() };
            let confirmed = renamed.confirmed.load(Ordering::SeqCst);
            let began = Instant::now();
            let answer = connection.get(&question.path).await?;
            round.times.add(began.elapsed());
            round.bytes += answer.body.len();
            let versions = (confirmed, renamed.asked.load(Ordering::SeqCst));
            let is_whole = turn.is_multiple_of(WHOLE);
            let fault = if answer.status != 200 {
                Some(format!("is answered with {}", answer.status))
            } else if is_whole {
                expected.whole_fault(answer.body, versions)
            } else {
                expected.fault(answer.body, versions)
            };
            if let Some(fault) = fault {
                round.faults.add(format!("{} {fault}", question.path));
            }
            if turn == caller * 1_000 {
                // A question that was answered for another list has to be found.
                let mut other = list.question(turn, self.count);
                other.total += 1;
                let wrong = Expected { question: &other, ..expected };
                round.found += usize::from(wrong.whole_fault(answer.body, versions).is_some());
            }
            round.whole += usize::from(is_whole);
            turn += 1;
        }
        Ok(round)
    }

    /// Renames the site of a list until the readers have ended.
    async fn change(
        &self,
        measured: &Measured,
        list: List,
        renamed: &Renamed,
        ended: &AtomicBool,
    ) -> Result<(), String> {
        let mut caller = measured.caller().await?;
        let path = format!("/api/sites/{}", identity(&self.target.seed, list.changing()).site);
        while !ended.load(Ordering::Relaxed) {
            let version = renamed.asked.fetch_add(1, Ordering::SeqCst) + 1;
            let name = json!({ "site_name": name_of(list.changing(), version) });
            let answer = caller.send_json("PUT", &path, &name).await?.json();
            answer.map_err(|error| format!("PUT {path}: {error}"))?;
            renamed.confirmed.store(version, Ordering::SeqCst);
            tokio::time::sleep(CHANGED_EVERY).await;
        }
        Ok(())
    }
}

/// The name of a site that was renamed so many times. It stays where it is among the others.
fn name_of(site: usize, version: u64) -> String {
    if version == 0 { site_name(site) } else { format!("{} {version}", site_name(site)) }
}

/// What an answer is held against.
#[derive(Clone, Copy)]
struct Expected<'a> {
    pages: &'a Pages,
    question: &'a Question,
    changing: usize,
}

impl Expected<'_> {
    fn id(&self, site: usize) -> String {
        identity(&self.pages.target.seed, site).site.to_string()
    }

    /// Looks at the first and the last row and at the name that changes, without reading the rest.
    fn fault(&self, body: &[u8], versions: (u64, u64)) -> Option<String> {
        let Ok(text) = std::str::from_utf8(body) else { return Some("is no text".into()) };
        let (_, id, name) = self.question.names;
        let place = |site: usize| {
            let key = format!("\"{id}\":\"{}\"", self.id(site));
            // Where it has to be, so that long answers are not searched.
            if Some(&site) == self.question.sites.last() { text.rfind(&key) } else { text.find(&key) }
        };
        let (Some(first), Some(last)) = (self.question.sites.first(), self.question.sites.last()) else {
            return None;
        };
        let (Some(start), Some(_)) = (place(*first), place(*last)) else {
            return Some("lacks its first or last".into());
        };
        if *first != self.changing {
            return None;
        }
        let key = format!("\"{name}\":\"");
        let shown = text[start..].split_once(&key).and_then(|(_, rest)| rest.split_once('"')).map(|(shown, _)| shown);
        self.name_fault(shown.unwrap_or_default(), versions)
    }

    /// The name is one that the site has had since the question was asked.
    fn name_fault(&self, shown: &str, (confirmed, asked): (u64, u64)) -> Option<String> {
        let is_true = (confirmed..=asked).any(|version| name_of(self.changing, version) == shown);
        (!is_true).then(|| format!("shows \"{shown}\", of the names {confirmed} to {asked}"))
    }

    /// Compares every row and the counts.
    fn whole_fault(&self, body: &[u8], versions: (u64, u64)) -> Option<String> {
        let Ok(answer) = serde_json::from_slice::<Value>(body) else { return Some("is no JSON".into()) };
        let (rows, id, name) = self.question.names;
        let rows = answer[rows].as_array().map(Vec::as_slice).unwrap_or_default();
        let total = if answer["total"].is_null() { &answer["stats"]["total"] } else { &answer["total"] };
        if rows.len() != self.question.sites.len() || *total != self.question.total {
            return Some(format!("has {} rows of {total}, not {}", rows.len(), self.question.total));
        }
        for (row, site) in rows.iter().zip(&self.question.sites) {
            if row[id] != self.id(*site) {
                return Some(format!("has {row}, and not site {site}"));
            }
            let shown = row[name].as_str().unwrap_or_default();
            let fault = match *site {
                site if site == self.changing => self.name_fault(shown, versions),
                // Renamed for another list.
                site if [List::First, List::Middle, List::Fiftieth].map(List::changing).contains(&site) => None,
                site => (shown != site_name(site)).then(|| format!("calls site {site} \"{shown}\"")),
            };
            if fault.is_some() {
                return fault;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn towns_are_found_by_the_beginning_of_their_number() {
        assert_eq!(begins_with(12, 130), [12, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129]);
        assert_eq!((begins_with(0, 5_000), begins_with(4_999, 5_000)), (vec![0], vec![4_999]));
        assert_eq!(encoded("Île d'Yeu"), "%C3%8Ele%20d%27Yeu");
    }

    #[test]
    fn a_page_is_whole_in_order_and_of_its_time() {
        let target = Target {
            server: ([127, 0, 0, 1], 1).into(),
            server_pid: 1,
            database_pid: 1,
            seed: "a".into(),
            heartbeat: 30,
        };
        let pages = Pages { target, count: 3, lists: vec![], rounds: 1, seconds: 1, callers: 1 };
        let question = List::First.question(0, 3);
        let expected = Expected { pages: &pages, question: &question, changing: 0 };
        let answer = |sites: &[usize], version: u64, total: usize| {
            let row = |site: &usize| {
                let name = if *site == 0 { name_of(0, version) } else { site_name(*site) };
                json!({ "id": expected.id(*site), "site_name": name })
            };
            json!({ "data": sites.iter().map(row).collect::<Vec<_>>(), "total": total }).to_string().into_bytes()
        };
        let faults =
            |body: &[u8]| (expected.fault(body, (4, 6)).is_some(), expected.whole_fault(body, (4, 6)).is_some());
        for version in 4..=6 {
            assert_eq!(faults(&answer(&[0, 1, 2], version, 3)), (false, false));
        }
        assert_eq!(faults(&answer(&[0, 1, 2], 3, 3)), (true, true), "a name of before");
        assert_eq!(faults(&answer(&[0, 1, 2], 7, 3)), (true, true), "a name of nobody");
        assert_eq!(faults(&answer(&[0, 1], 5, 3)), (true, true), "the last is missing");
        assert_eq!(faults(&answer(&[0, 2], 5, 3)), (false, true), "one between is missing");
        assert_eq!(faults(&answer(&[0, 1, 2], 5, 4)), (false, true), "another total");
        assert_eq!(faults(&answer(&[1, 0, 2], 5, 3)), (false, true), "another order");
    }
}
