//! The ledger: what was ordered and acknowledged, and what has to have become of it. It shares no rule with the server
//! in code; it holds what the server and the boxes say against what was ordered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub type Id = String;

/// What was ordered, in its order.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A video is to be on these sites, or not to be there.
    Ordered { order: Id, video: Id, sites: Vec<Id>, is_install: bool },
    /// An order was taken back.
    Cancelled { order: Id },
}

/// How one site of an order has ended, as the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub state: String,
    pub completed_at: Option<String>,
}

/// What the server says of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    pub status: String,
    pub total: u64,
    pub deployed: u64,
    pub failed: u64,
    pub open: u64,
}

/// What the server says of a site.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    pub in_sync: bool,
    pub desired: BTreeSet<Id>,
    pub installed: BTreeSet<Id>,
}

/// Everything that was seen.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// By order and site.
    pub targets: BTreeMap<(Id, Id), Target>,
    pub orders: BTreeMap<Id, Counts>,
    pub inventories: BTreeMap<Id, Inventory>,
    /// The SHA-256 of each video.
    pub hashes: BTreeMap<Id, String>,
    /// What the boxes have told, in its order.
    pub events: Vec<Value>,
}

/// What is wrong; nothing if all is as it has to be.
pub fn check(ledger: &[Entry], seen: &Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    let wanted = replay(ledger, seen, &mut wrong);
    check_orders(ledger, seen, &mut wrong);
    for (site, inventory) in &seen.inventories {
        let wanted = wanted.get(site).cloned().unwrap_or_default();
        let hashes: BTreeSet<&str> = wanted.iter().map(|video| hash(seen, video)).collect();
        let held = held(&seen.events, site);
        if inventory.desired != wanted {
            wrong.push(format!("{site} is to have {wanted:?}, the server wants {:?}", inventory.desired));
        }
        if inventory.installed != wanted || !inventory.in_sync {
            wrong.push(format!("{site} is to have {wanted:?}, the server knows of {inventory:?}"));
        }
        if held != Some(hashes.clone()) {
            wrong.push(format!("{site} is to have {hashes:?}, the box holds {held:?}"));
        }
        check_box(site, ledger, &seen.events, &mut wrong);
    }
    wrong
}

fn hash<'a>(seen: &'a Seen, video: &str) -> &'a str {
    seen.hashes.get(video).map_or("unknown", String::as_str)
}

/// One order about one video, as one site sees it.
struct Step<'a> {
    order: &'a Id,
    is_install: bool,
    /// What the site was to have before it, and before the orders that it took the place of.
    before: bool,
}

/// Goes through the orders: what each site has to have in the end. Where a site was when an order was taken back or
/// another took its place is nobody's to foresee, so that is the server's word; whether the word is possible, and what
/// follows from it, is decided here.
fn replay(ledger: &[Entry], seen: &Seen, wrong: &mut Vec<String>) -> BTreeMap<Id, BTreeSet<Id>> {
    let mut steps: BTreeMap<(&Id, &Id), Vec<Step<'_>>> = BTreeMap::new();
    let mut wanted: BTreeMap<Id, BTreeSet<Id>> = BTreeMap::new();
    let mut cancelled = BTreeSet::new();
    let state = |order: &Id, site: &Id| seen.targets.get(&(order.clone(), site.clone())).map(|end| end.state.as_str());
    for entry in ledger {
        match entry {
            Entry::Ordered { order, video, sites, is_install } => {
                for site in sites {
                    let has = wanted.entry(site.clone()).or_default();
                    let steps = steps.entry((site, video)).or_default();
                    let replaced = steps.last().filter(|last| state(last.order, site) == Some("superseded"));
                    let before = replaced.map_or(has.contains(video), |last| last.before);
                    steps.push(Step { order, is_install: *is_install, before });
                    set(has, video, *is_install);
                }
            }
            Entry::Cancelled { order } if cancelled.insert(order) => {
                for ((site, video), steps) in &steps {
                    let Some(step) = steps.iter().find(|step| step.order == order) else { continue };
                    if state(order, site) == Some("cancelled") {
                        set(wanted.entry((*site).clone()).or_default(), video, step.before);
                    }
                }
            }
            Entry::Cancelled { .. } => {}
        }
    }
    for ((site, _), steps) in &steps {
        for (number, step) in steps.iter().enumerate() {
            let is_last = number + 1 == steps.len();
            let end = state(step.order, site);
            let is_possible = match end {
                Some("installed") => true,
                Some("superseded") => !is_last,
                Some("cancelled") => cancelled.contains(step.order),
                _ => false,
            };
            if !is_possible {
                wrong.push(format!("order {} (install: {}) ended as {end:?} at {site}", step.order, step.is_install));
            }
        }
    }
    wanted
}

fn set(of: &mut BTreeSet<Id>, video: &Id, is_in: bool) {
    if is_in {
        of.insert(video.clone());
    } else {
        of.remove(video);
    }
}

/// Whether the server knows exactly these orders, each ended, with the counts of its sites.
fn check_orders(ledger: &[Entry], seen: &Seen, wrong: &mut Vec<String>) {
    let mut expected = BTreeMap::new();
    for entry in ledger {
        let Entry::Ordered { order, sites, .. } = entry else { continue };
        let ends = sites.iter().filter_map(|site| seen.targets.get(&(order.clone(), site.clone())));
        let count = |state: &str| ends.clone().filter(|end| end.state == state).count() as u64;
        let (deployed, failed) = (count("installed"), count("failed"));
        let status = match (deployed, failed) {
            (_, 1..) => "failed",
            (1.., 0) => "completed",
            (0, 0) => "cancelled",
        };
        let total = sites.len() as u64;
        expected.insert(order.clone(), Counts { status: status.into(), total, deployed, failed, open: 0 });
        if ends.clone().any(|end| end.completed_at.is_none()) {
            wrong.push(format!("order {order} has a site without the time of its end"));
        }
    }
    for order in expected.keys().chain(seen.orders.keys()).collect::<BTreeSet<_>>() {
        let (expected, said) = (expected.get(order), seen.orders.get(order));
        if expected != said {
            wrong.push(format!("order {order} is to be {expected:?}, the server says {said:?}"));
        }
    }
    let known: BTreeSet<&Id> = expected.keys().collect();
    if let Some((order, site)) = seen.targets.keys().find(|(order, _)| !known.contains(order)) {
        wrong.push(format!("{site} has a part in order {order}, which nobody made"));
    }
}

fn of_box<'a>(events: &'a [Value], site: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["box"] == site)
}

fn texts(list: &Value) -> BTreeSet<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What a box says that it holds at the end; `None` if it did not live to its end.
fn held<'a>(events: &'a [Value], site: &'a str) -> Option<BTreeSet<&'a str>> {
    of_box(events, site).find(|event| event["event"] == "holds").map(|event| texts(&event["files"]))
}

/// What the server knows of a box has to be what the box has said last of all that was acknowledged, or something later.
/// `before` was told before the server was asked, `after` everything until it had answered. The complaint, if not.
pub fn forgotten(
    site: &str,
    before: &[Value],
    after: &[Value],
    revision: i64,
    installed: &BTreeSet<&str>,
) -> Option<String> {
    let number = |event: &Value| event["sequence"].as_i64();
    let acknowledged =
        of_box(before, site).filter(|event| event["event"] == "acknowledged").filter_map(number).max()?;
    let said = |event: &&Value| event["event"] == "reported" && number(event) >= Some(acknowledged);
    let fits = |event: &Value| {
        texts(&event["installed"]) == *installed && event["revision"].as_i64().is_some_and(|of| of <= revision)
    };
    let known = of_box(after, site).filter(said).any(fits);
    (!known).then(|| {
        format!("{site}: report {acknowledged} was acknowledged, the server knows {installed:?} at {revision}")
    })
}

/// Whether a box has done everything once.
fn check_box(site: &Id, ledger: &[Entry], events: &[Value], wrong: &mut Vec<String>) {
    let (mut reported, mut acknowledged) = (BTreeSet::new(), BTreeMap::new());
    let (mut there, mut downloads) = (BTreeSet::new(), BTreeMap::new());
    let mut removals: BTreeMap<&str, usize> = BTreeMap::new();
    for event in of_box(events, site) {
        let (file, number) = (event["sha256"].as_str().unwrap_or_default(), event["sequence"].as_i64());
        match event["event"].as_str().unwrap_or_default() {
            "refused" => wrong.push(format!("{site} was refused: {event}")),
            "reported" => {
                let said = texts(&event["installed"]);
                // What is sent again may be out of date; what is new is as things are.
                if reported.insert(number.unwrap_or_default()) && said != there {
                    wrong.push(format!("{site} has said what it had not: {event}, there was {there:?}"));
                }
            }
            "acknowledged" => *acknowledged.entry(number.unwrap_or_default()).or_insert(0) += 1,
            "downloaded" => {
                // A try is counted anew after each removal.
                let key = (file, removals.get(file).copied().unwrap_or(0), event["attempt"].as_u64());
                *downloads.entry(key).or_insert(0) += 1;
                if !there.insert(file) {
                    wrong.push(format!("{site} has downloaded what it had: {event}"));
                }
            }
            "removed" => {
                *removals.entry(file).or_insert(0) += 1;
                if !there.remove(file) {
                    wrong.push(format!("{site} has removed what it had not: {event}"));
                }
            }
            _ => {}
        }
    }
    for ((file, removals, attempt), count) in downloads {
        if count != 1 {
            wrong
                .push(format!("{site} has downloaded {file} {count} times, try {attempt:?} after {removals} removals"));
        }
    }
    let once: BTreeSet<i64> =
        acknowledged.iter().filter(|(_, count)| **count == 1).map(|(number, _)| *number).collect();
    if reported.is_empty() || once != reported || once.len() != acknowledged.len() {
        wrong.push(format!("{site} has reported {reported:?}, acknowledged was {acknowledged:?}"));
    }
    // Taking away needs an order to remove, or one to install that was taken back.
    let reasons = ledger.iter().filter(|entry| match entry {
        Entry::Ordered { sites, is_install, .. } => !is_install && sites.contains(site),
        Entry::Cancelled { .. } => true,
    });
    let (reasons, removals) = (reasons.count(), removals.values().sum::<usize>());
    if removals > reasons {
        wrong.push(format!("{site} has removed {removals} files for {reasons} orders"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ordered(order: &str, video: &str, is_install: bool) -> Entry {
        let sites = vec!["s".to_owned(), "t".to_owned()];
        Entry::Ordered { order: order.into(), video: video.into(), sites, is_install }
    }

    /// Two sites and four orders: v is installed, w is too, w's removal took its place before t had begun, u was taken
    /// back at t alone.
    fn world() -> (Vec<Entry>, Seen) {
        let ledger = vec![
            ordered("1", "v", true),
            ordered("2", "w", true),
            ordered("3", "w", false),
            ordered("4", "u", true),
            Entry::Cancelled { order: "4".into() },
        ];
        let mut seen = Seen::default();
        let ends = [("1", "installed", "installed"), ("2", "installed", "superseded"), ("3", "installed", "installed")];
        for (order, at_s, at_t) in ends.into_iter().chain([("4", "installed", "cancelled")]) {
            for (site, state) in [("s", at_s), ("t", at_t)] {
                let end = Target { state: state.into(), completed_at: Some("now".into()) };
                seen.targets.insert((order.into(), site.into()), end);
            }
            let deployed = 1 + u64::from(at_t == "installed");
            let counts = Counts { status: "completed".into(), total: 2, deployed, failed: 0, open: 0 };
            seen.orders.insert(order.into(), counts);
        }
        seen.hashes = ["v", "w", "u"].map(|video| (video.into(), format!("hash-{video}"))).into();
        let set = |videos: &[&str]| -> BTreeSet<Id> { videos.iter().map(|video| (*video).into()).collect() };
        for (site, has) in [("s", set(&["u", "v"])), ("t", set(&["v"]))] {
            let inventory = Inventory { in_sync: true, desired: has.clone(), installed: has };
            seen.inventories.insert(site.into(), inventory);
        }
        seen.events = vec![
            json!({"box": "s", "event": "downloaded", "sha256": "hash-v", "attempt": 0}),
            json!({"box": "s", "event": "downloaded", "sha256": "hash-w", "attempt": 0}),
            json!({"box": "s", "event": "reported", "sequence": 1, "revision": 1, "installed": ["hash-v", "hash-w"]}),
            json!({"box": "s", "event": "acknowledged", "sequence": 1}),
            json!({"box": "s", "event": "removed", "sha256": "hash-w", "revision": 3}),
            json!({"box": "s", "event": "downloaded", "sha256": "hash-u", "attempt": 0}),
            json!({"box": "s", "event": "reported", "sequence": 2, "revision": 3, "installed": ["hash-v", "hash-u"]}),
            json!({"box": "s", "event": "reported", "sequence": 2, "revision": 3, "installed": ["hash-v", "hash-u"]}),
            json!({"box": "s", "event": "acknowledged", "sequence": 2}),
            json!({"box": "s", "event": "holds", "files": ["hash-u", "hash-v"]}),
            json!({"box": "t", "event": "downloaded", "sha256": "hash-v", "attempt": 0}),
            json!({"box": "t", "event": "reported", "sequence": 1, "installed": ["hash-v"]}),
            json!({"box": "t", "event": "acknowledged", "sequence": 1}),
            json!({"box": "t", "event": "holds", "files": ["hash-v"]}),
        ];
        (ledger, seen)
    }

    fn wrong(change: impl FnOnce(&mut Vec<Entry>, &mut Seen)) -> Vec<String> {
        let (mut ledger, mut seen) = world();
        change(&mut ledger, &mut seen);
        check(&ledger, &seen)
    }

    fn end<'a>(seen: &'a mut Seen, order: &str, site: &str) -> &'a mut Target {
        seen.targets.get_mut(&(order.into(), site.into())).expect("a target")
    }

    #[test]
    fn a_world_that_is_right_is_not_complained_about() {
        assert_eq!(wrong(|_, _| {}), Vec::<String>::new());
    }

    #[test]
    fn an_order_too_few_or_too_many_in_the_ledger_is_found() {
        for number in 0..5 {
            assert!(!wrong(|ledger, _| drop(ledger.remove(number))).is_empty(), "without entry {number}");
        }
        assert!(!wrong(|ledger, _| ledger.push(ordered("5", "w", true))).is_empty(), "one more");
    }

    #[test]
    fn an_end_that_cannot_be_is_found() {
        for state in ["pending", "downloading", "failed", "cancelled", "superseded"] {
            assert!(!wrong(|_, seen| end(seen, "1", "s").state = state.into()).is_empty(), "{state}");
        }
        assert!(!wrong(|_, seen| end(seen, "1", "s").completed_at = None).is_empty(), "no time");
        assert!(!wrong(|_, seen| end(seen, "4", "t").state = "installed".into()).is_empty(), "never taken back");
        assert!(!wrong(|_, seen| seen.orders.get_mut("1").expect("it").deployed = 1).is_empty(), "a wrong count");
        assert!(!wrong(|_, seen| seen.orders.get_mut("4").expect("it").status = "pending".into()).is_empty(), "open");
        assert!(!wrong(|_, seen| drop(seen.orders.remove("3"))).is_empty(), "forgotten");
    }

    #[test]
    fn a_box_or_a_server_that_has_something_else_is_found() {
        let site = |seen: &mut Seen| seen.inventories.get_mut("t").expect("it").clone();
        let with = |inventory: Inventory| wrong(|_, seen| drop(seen.inventories.insert("t".into(), inventory)));
        let (_, mut seen) = world();
        let inventory = site(&mut seen);
        assert!(!with(Inventory { in_sync: false, ..inventory.clone() }).is_empty());
        assert!(!with(Inventory { desired: BTreeSet::new(), ..inventory.clone() }).is_empty());
        assert!(!with(Inventory { installed: BTreeSet::from(["w".into()]), ..inventory }).is_empty());
        assert!(!wrong(|_, seen| seen.events[13]["files"] = json!([])).is_empty(), "the box has less");
        assert!(!wrong(|_, seen| drop(seen.events.pop())).is_empty(), "the box did not live to the end");
    }

    #[test]
    fn a_server_that_forgets_what_it_acknowledged_is_found() {
        let (_, seen) = world();
        let forgotten = |heard: usize, revision, installed: &[&str]| {
            let installed = installed.iter().copied().collect();
            forgotten("s", &seen.events[..heard], &seen.events[..8], revision, &installed).is_some()
        };
        assert!(!forgotten(4, 1, &["hash-v", "hash-w"]), "what was acknowledged");
        assert!(!forgotten(4, 3, &["hash-u", "hash-v"]), "what came later");
        assert!(!forgotten(3, 0, &[]), "nothing was acknowledged");
        assert!(forgotten(4, 1, &[]), "something before it");
        assert!(forgotten(4, 0, &["hash-v", "hash-w"]), "another revision");
        assert!(forgotten(9, 3, &["hash-v", "hash-w"]), "what a later report took the place of");
    }

    #[test]
    fn what_happens_twice_or_not_at_all_is_found() {
        for twice in [0, 3, 4, 5, 8, 10, 12] {
            let again = wrong(|_, seen| seen.events.insert(twice + 1, seen.events[twice].clone()));
            assert!(!again.is_empty(), "event {twice} twice");
        }
        for missing in [0, 1, 3, 5, 8, 10, 12] {
            assert!(!wrong(|_, seen| drop(seen.events.remove(missing))).is_empty(), "without event {missing}");
        }
        let refused = json!({"box": "s", "event": "refused", "message": "no"});
        assert!(!wrong(|_, seen| seen.events.push(refused)).is_empty(), "refused");
        let early = |_: &mut Vec<Entry>, seen: &mut Seen| seen.events.swap(1, 2);
        assert!(!wrong(early).is_empty(), "said before it was there");
    }
}
