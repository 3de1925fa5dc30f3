//! The server is killed without a warning, again and again, while twenty boxes fetch what is ordered for them. Whatever
//! was acknowledged comes true, and nothing comes true twice.
//!
//! `NEOPRO_FLEET_KILLS` says how often, `NEOPRO_SEED` repeats a run (its choices, not the machine's).

mod ledger;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::{Boxes, Central, Site, Told, root};
use ledger::{Counts, Entry, Id, Inventory, Seen, Target, check, forgotten};

const BOXES: usize = 20;
/// The longest that a server lives.
const LIFE: u64 = 4_000;

/// Numbers that follow from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// The club network, and the ledger of whoever gives orders in it.
struct Stage {
    central: Central,
    sites: Vec<Site>,
    groups: Vec<(Id, Vec<Id>)>,
    videos: Vec<Id>,
    /// One that nobody is to have before the end.
    last: Id,
    hashes: BTreeMap<Id, String>,
    ledger: Vec<Entry>,
    orders: Vec<Id>,
    /// When each part of an order has ended; that never changes.
    ended: BTreeMap<(Id, Id), Target>,
    random: Random,
    lost_answers: usize,
}

/// What somebody wants.
enum Wish {
    Order { video: Id, target_type: &'static str, target: Id, sites: Vec<Id>, is_install: bool },
    Cancel(Id),
    Retry(Id),
}

impl Stage {
    fn set_up(seed: u64) -> Self {
        let central = Central::start("kills");
        let sites: Vec<Site> = (0..BOXES).map(|number| central.site(&format!("Gymnase {number:02}"))).collect();
        let ids = |part: &[Site]| part.iter().map(|site| site.id.clone()).collect::<Vec<_>>();
        let groups = [&sites[..], &sites[..8]].map(|part| (central.group(part), ids(part))).to_vec();
        let media = root().join("central-server/tests/media");
        let clips = ["faststart.mp4", "late.mp4", "upright.mp4", "picture.png"].map(|name| media.join(name));
        let long = [3, 5, 8, 6].map(|megabytes| padded(&central, megabytes * 1024 * 1024));
        let mut videos =
            clips.iter().chain(&long).map(|file| central.upload(file, Some("SPONSORS"))).collect::<Vec<_>>();
        let hash = |video: &Id| {
            let checksum = central.get(&format!("/api/videos/{video}"))["checksum"].as_str().map(str::to_owned);
            (video.clone(), checksum.expect("a hash"))
        };
        let hashes = videos.iter().map(hash).collect();
        let last = videos.pop().expect("a video");
        let (ledger, orders, ended) = (Vec::new(), Vec::new(), BTreeMap::new());
        let random = Random(seed);
        Self { central, sites, groups, videos, last, hashes, ledger, orders, ended, random, lost_answers: 0 }
    }

    fn wish(&mut self) -> Wish {
        // The first order stays, and so does its video: every box is in the middle of it at the first death.
        let last = self.orders.len().saturating_sub(6).max(1).min(self.orders.len());
        let recent = self.orders[last..].to_vec();
        match self.random.below(10) {
            0 if !recent.is_empty() => return Wish::Cancel(self.random.pick(&recent).clone()),
            // What was ordered just now is the least likely to be done.
            1 if let Some(last) = recent.last() => return Wish::Cancel(last.clone()),
            2 if !recent.is_empty() => return Wish::Retry(self.random.pick(&recent).clone()),
            _ => {}
        }
        let video = self.random.pick(&self.videos[..self.videos.len() - 1]).clone();
        let is_install = self.random.below(3) > 0;
        if self.random.below(3) == 0 {
            let (target, sites) = self.random.pick(&self.groups).clone();
            Wish::Order { video, target_type: "group", target, sites, is_install }
        } else {
            let site = self.random.pick(&self.sites).id.clone();
            Wish::Order { video, target_type: "site", target: site.clone(), sites: vec![site], is_install }
        }
    }

    /// Everybody is to have the long videos: there is something to interrupt from the first death on.
    fn give_everybody_much(&mut self) {
        let (target, sites) = self.groups[0].clone();
        for video in self.videos.clone().into_iter().rev().take(3) {
            let (target, sites) = (target.clone(), sites.clone());
            let wish = Wish::Order { video, target_type: "group", target, sites, is_install: true };
            let answer = self.try_to(&wish).expect("a living server");
            self.acknowledged(wish, &answer);
        }
    }

    /// Long before the long videos are there, one is taken back and another is not to be there any more.
    fn change_minds(&mut self) {
        let (target, sites) = self.groups[1].clone();
        let video = self.videos[self.videos.len() - 2].clone();
        let other = Wish::Order { video, target_type: "group", target, sites, is_install: false };
        for wish in [Wish::Cancel(self.orders[2].clone()), other] {
            let answer = self.try_to(&wish).expect("a living server");
            self.acknowledged(wish, &answer);
        }
    }

    /// An order that is taken back at once, with no later one to hide what became of it.
    fn change_minds_at_last(&mut self) {
        let ((target, sites), video) = (self.groups[0].clone(), self.last.clone());
        let order = Wish::Order { video, target_type: "group", target, sites, is_install: true };
        let answer = self.try_to(&order).expect("a living server");
        self.acknowledged(order, &answer);
        let cancel = Wish::Cancel(text(&answer, "id"));
        let answer = self.try_to(&cancel).expect("a living server");
        self.acknowledged(cancel, &answer);
    }

    /// Gives orders until the server is gone; the one whose answer was lost, if there is one.
    fn give_orders(&mut self, is_dead: &AtomicBool) -> Option<Wish> {
        while !is_dead.load(Ordering::Relaxed) {
            let wish = self.wish();
            match self.try_to(&wish) {
                Some(answer) => self.acknowledged(wish, &answer),
                None => return Some(wish),
            }
            std::thread::sleep(Duration::from_millis(self.random.below(200)));
        }
        None
    }

    fn try_to(&self, wish: &Wish) -> Option<Value> {
        let (path, body) = match wish {
            Wish::Order { video, target_type, target, is_install, .. } => {
                let action = if *is_install { "install" } else { "remove" };
                let order =
                    json!({"video_id": video, "target_type": target_type, "target_id": target, "action": action});
                ("/api/deployments".to_owned(), order)
            }
            Wish::Cancel(order) => (format!("/api/deployments/{order}/cancel"), json!({})),
            Wish::Retry(order) => (format!("/api/deployments/{order}/retry"), json!({})),
        };
        match self.central.try_post(&path, &body) {
            Some((200..=299, answer)) => Some(answer),
            // The server, or its database, is on its way down or up.
            None | Some((500..=599, _)) => None,
            Some(other) => panic!("POST {path} {body}: {other:?}"),
        }
    }

    fn acknowledged(&mut self, wish: Wish, answer: &Value) {
        match wish {
            Wish::Order { video, sites, is_install, .. } => {
                let order = text(answer, "id");
                self.orders.push(order.clone());
                self.ledger.push(Entry::Ordered { order, video, sites, is_install });
            }
            Wish::Cancel(order) => self.ledger.push(Entry::Cancelled { order }),
            Wish::Retry(_) => {}
        }
    }

    /// Finds out what became of the wish whose answer was lost. An order may have been taken: then the list has it.
    /// Taking back and trying again are said once more.
    fn resolve(&mut self, wish: Wish) {
        self.lost_answers += 1;
        if let Wish::Order { .. } = wish {
            let list = self.central.get("/api/deployments?page=1&limit=20");
            let list = list.as_array().expect("a list");
            let stranger = list.iter().find(|order| !self.orders.contains(&text(order, "id"))).cloned();
            if let Some(stranger) = stranger {
                self.acknowledged(wish, &stranger);
            }
            return;
        }
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(answer) = self.try_to(&wish) {
                return self.acknowledged(wish, &answer);
            }
            assert!(Instant::now() < until, "the server is up and does nothing: {}", self.central.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// One life of the server: orders, a death, a new start.
    fn live_and_die(&mut self, told: &Told, life: Range<u64>) {
        let (pid, is_dead) = (self.central.pid(), AtomicBool::new(false));
        // Half of the deaths come when they come, the others just when something is being said.
        let delay = Duration::from_millis(life.start + self.random.below(life.end - life.start));
        let moments = ["authenticated", "desired", "downloaded", "reported", "reported", "reported"];
        let moment = (self.random.below(2) == 0 && life.start == 0).then(|| *self.random.pick(&moments));
        let after = Duration::from_micros(self.random.below(12_000));
        let lost = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(delay);
                if let Some(moment) = moment {
                    told.wait_for(moment, Duration::from_secs(3));
                    std::thread::sleep(after);
                }
                let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
                is_dead.store(true, Ordering::Relaxed);
                assert!(killed.is_ok_and(|status| status.success()), "it lived until then");
            });
            self.give_orders(&is_dead)
        });
        self.central.kill();
        self.central.restart();
        self.look_for_forgotten(told);
        if let Some(lost) = lost {
            self.resolve(lost);
        }
        self.look_at_ends();
    }

    /// Whether the server still knows what it had acknowledged before it died. Boxes that trust an acknowledgement
    /// do not say it again.
    fn look_for_forgotten(&self, told: &Told) {
        for site in &self.sites {
            let before = told.so_far();
            // Asked once: the next report of the box would hide what was forgotten.
            let inventory = self.central.get(&format!("/api/sites/{}/inventory", site.id));
            let items = inventory["items"].as_array().expect("items");
            let installed = items.iter().filter(|item| item["state"] == "installed");
            let installed = installed.filter_map(|item| item["checksum"].as_str()).collect();
            let revision = inventory["reported_revision"].as_i64().expect("a revision");
            // What a box has told is read a moment after it was said.
            let until = Instant::now() + Duration::from_secs(1);
            while let Some(complaint) = forgotten(&site.id, &before, &told.so_far(), revision, &installed) {
                assert!(Instant::now() < until, "{complaint}");
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    }

    /// Everything that a site has a part in. What has ended for good stays as it is.
    fn look_at_ends(&mut self) -> BTreeMap<(Id, Id), Target> {
        let mut targets = BTreeMap::new();
        for site in &self.sites {
            let parts = self.central.get(&format!("/api/sites/{}/deployments", site.id));
            for part in parts.as_array().expect("a list") {
                let completed_at = part["completed_at"].as_str().map(str::to_owned);
                let target = Target { state: text(part, "state"), completed_at };
                targets.insert((text(part, "deployment_id"), site.id.clone()), target);
            }
        }
        for (part, before) in &self.ended {
            assert_eq!(targets.get(part), Some(before), "{part:?} had ended");
        }
        let is_over = |target: &Target| matches!(target.state.as_str(), "installed" | "cancelled" | "superseded");
        self.ended
            .extend(targets.iter().filter(|(_, end)| is_over(end)).map(|(part, end)| (part.clone(), end.clone())));
        targets
    }

    /// Lets everything come to its end: what has failed is tried again until it works.
    fn settle(&mut self) {
        let until = Instant::now() + Duration::from_secs(180);
        loop {
            let targets = self.look_at_ends();
            let with = |state: &str| -> BTreeSet<Id> {
                targets.iter().filter(|(_, end)| end.state == state).map(|((order, _), _)| order.clone()).collect()
            };
            for order in with("failed") {
                self.central.post(&format!("/api/deployments/{order}/retry"), &json!({}));
            }
            let open: BTreeSet<Id> = ["pending", "downloading", "failed"].into_iter().flat_map(with).collect();
            if open.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "orders are still open: {open:?}\n{}", self.central.log());
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    /// What the server says in the end.
    fn observe(&mut self) -> Seen {
        let targets = self.look_at_ends();
        let page = |number: usize| self.central.get(&format!("/api/deployments?limit=1000&page={number}"));
        let pages = (1..).map(page).map(|page| page.as_array().expect("a list").clone());
        let orders = pages.take_while(|page| !page.is_empty()).flatten().map(|order| {
            let number = |name: &str| order[name].as_u64().unwrap_or_else(|| panic!("{name} of {order}"));
            let counts = Counts {
                status: text(&order, "status"),
                total: number("total_count"),
                deployed: number("deployed_count"),
                failed: number("failed_count"),
                open: number("open_count"),
            };
            (text(&order, "id"), counts)
        });
        let orders = orders.collect();
        let inventories = self.sites.iter().map(|site| {
            let inventory = self.central.get(&format!("/api/sites/{}/inventory", site.id));
            let items = inventory["items"].as_array().expect("items");
            let ids = |holds: fn(&Value) -> bool| {
                items.iter().filter(|item| holds(item)).map(|item| text(item, "video_id")).collect()
            };
            let desired = ids(|item| item["desired"] == true);
            let installed = ids(|item| item["state"] == "installed");
            (site.id.clone(), Inventory { in_sync: inventory["in_sync"] == true, desired, installed })
        });
        let inventories = inventories.collect();
        Seen { targets, orders, inventories, hashes: self.hashes.clone(), events: Vec::new() }
    }
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().unwrap_or_else(|| panic!("{name} of {of}")).to_owned()
}

/// A real video of this size: its index is that of `faststart.mp4`, its content is zeros.
fn padded(central: &Central, content: usize) -> PathBuf {
    let clip = std::fs::read(root().join("central-server/tests/media/faststart.mp4")).expect("a clip");
    let length = (content as u64 + 16).to_be_bytes();
    let video = [&clip[..32 + 899], b"\0\0\0\x01mdat", &length, &vec![0; content]].concat();
    let file = central.folder.join(format!("{content}.mp4"));
    std::fs::write(&file, video).expect("a file");
    file
}

#[test]
fn every_box_ends_in_its_desired_state_however_the_server_dies_and_nothing_happens_twice() {
    let _alone = crate::tv::ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let kills = variable("NEOPRO_FLEET_KILLS").unwrap_or(5);
    let since = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let seed = variable("NEOPRO_SEED").unwrap_or_else(since);
    println!("kills of the server under a fleet: {kills}, NEOPRO_SEED={seed}");
    let mut stage = Stage::set_up(seed);
    let seed = seed.to_string();
    #[rustfmt::skip]
    let options = [
        "--seed", &seed, "--slow", "1500000", "--disk-full", "0.04", "--corrupt", "0.04", "--offline", "0.05",
        "--away", "4", "--trusting", "0.5", "--repeat", "0.3", "--heartbeat", "2", "--wait", "0.1", "--longest-wait", "1",
        "--report", "0.05",
    ];
    let boxes = Boxes::start(&stage.central, &stage.sites, &options);
    let told = boxes.told();
    stage.give_everybody_much();
    for kill in 1..=kills {
        // The first video takes longer to fetch than the first life lasts, and is begun within it.
        stage.live_and_die(&told, if kill == 1 { 700..2_000 } else { 0..LIFE });
        if kill == 1 {
            stage.change_minds();
        }
        println!("death {kill}: {} orders, {} answers lost", stage.orders.len(), stage.lost_answers);
    }
    stage.change_minds_at_last();
    stage.settle();
    let mut seen = stage.observe();
    let (events, summary) = boxes.end();
    println!("{summary}");
    seen.events = events;
    let wrong = check(&stage.ledger, &seen);
    assert!(wrong.is_empty(), "{} complaints, the first: {:#?}", wrong.len(), &wrong[..wrong.len().min(10)]);
    // A run in which nothing happened would prove nothing.
    let number = |name: &str| summary[name].as_u64().unwrap_or_else(|| panic!("{name} of {summary}"));
    for (name, least) in [("downloaded", 60), ("resumed", 3), ("acknowledged", 100), ("repeated", 10)] {
        assert!(number(name) >= least, "{name}: {summary}");
    }
    assert!(number("authenticated") > BOXES as u64, "{summary}");
    for state in ["installed", "cancelled", "superseded"] {
        let count = seen.targets.values().filter(|end| end.state == state).count();
        println!("{state}: {count}");
        assert!(count > 0, "no part of an order was {state}");
    }
    // Whoever drops an order from the ledger finds the world wrong.
    for _ in 0..5 {
        let mut shorter = stage.ledger.clone();
        let missing = stage.random.below(shorter.len() as u64) as usize;
        if let Entry::Ordered { order, .. } = shorter.remove(missing) {
            assert!(!check(&shorter, &seen).is_empty(), "order {order} counts for nothing");
        }
    }
}
