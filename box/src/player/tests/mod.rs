//! The decisions, told as evenings in front of a TV.

mod trouble;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::broadcast::{Broadcast, Moment, Order, PLACE_EVERY};
use super::messages::{FromPage, Prepare, Safe, ToPage};
use super::{Note, Place, token};
use crate::library::{Clip, ClipKind, Library};

const TV: u64 = 1;

/// A clip; capital letters are images of five seconds.
fn clip(key: char) -> Clip {
    let kind = if key.is_uppercase() { ClipKind::Image { seconds: 5 } } else { ClipKind::Video };
    Clip { key: key.to_string(), name: key.to_string(), file: PathBuf::from(key.to_string()), kind }
}

fn library(keys: &str) -> Arc<Library> {
    Arc::new(Library {
        club_name: Some("ES Fougères".into()), language: None, clips: keys.chars().map(clip).collect()
    })
}

/// A broadcast with a page that does what it is told, unless a file is said to be broken.
struct Evening {
    broadcast: Broadcast,
    now: Moment,
    broken: &'static str,
    prepared: Vec<Prepare>,
    /// What is on the screen, and its play.
    seen: Option<(String, u64)>,
    /// Everything that was seen, in order; `-` is the safe screen.
    history: String,
    notes: Vec<Note>,
    safe: Option<Safe>,
    /// The page gets nothing done.
    deaf: bool,
}

impl Evening {
    fn new(keys: &str) -> Self {
        Self::at(keys, None)
    }

    fn at(keys: &str, place: Option<Place>) -> Self {
        let mut evening = Self {
            broadcast: Broadcast::new(place),
            now: Duration::from_secs(100),
            broken: "",
            prepared: Vec::new(),
            seen: None,
            history: String::new(),
            notes: Vec::new(),
            safe: None,
            deaf: false,
        };
        evening.broadcast.set_library(library(keys), evening.now);
        evening
    }

    fn with_tv(keys: &str) -> Self {
        let mut evening = Self::new(keys);
        evening.join();
        evening
    }

    fn join(&mut self) {
        self.broadcast.joined(TV, true, self.now);
        self.obey();
    }

    fn change(&mut self, keys: &str) {
        self.broadcast.set_library(library(keys), self.now);
        self.obey();
    }

    fn say(&mut self, report: FromPage) {
        self.broadcast.heard(TV, report, self.now);
        self.obey();
    }

    fn end(&mut self) {
        let play = self.play();
        self.say(FromPage::Ended { play });
    }

    fn ends(&mut self, times: usize) {
        (0..times).for_each(|_| self.end());
    }

    fn fail(&mut self) {
        let play = self.play();
        self.say(FromPage::Failed { play, reason: "torn".into() });
    }

    fn position(&mut self, at: f64) {
        let play = self.play();
        self.say(FromPage::Position { play, at });
    }

    fn play(&self) -> u64 {
        self.seen.as_ref().expect("something is on the screen").1
    }

    /// Time passes; the watchdogs look when they want to.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(deadline) = self.broadcast.deadline().filter(|deadline| *deadline <= end) {
            assert!(deadline >= self.now, "a deadline of the past would be met for ever");
            self.now = deadline;
            self.broadcast.tick(self.now);
            self.obey();
            assert!(self.broadcast.deadline() != Some(deadline), "what was due is done");
        }
        self.now = end;
    }

    /// The page does what it is told, at once.
    fn obey(&mut self) {
        loop {
            let orders: Vec<Order> = self.broadcast.orders().collect();
            if orders.is_empty() {
                return;
            }
            for order in orders {
                match order {
                    Order::Tell(TV, message) | Order::TellAll(message) => self.draw(message),
                    Order::Tell(..) => {}
                    Order::Note(note) => self.notes.push(note),
                }
            }
        }
    }

    fn draw(&mut self, message: ToPage) {
        match message {
            ToPage::Hello { .. } => {}
            ToPage::Prepare(prepare) => {
                let key = self.key_of(&prepare.url);
                let play = prepare.play;
                self.prepared.push(prepare);
                let report = if self.broken.contains(&key) {
                    FromPage::Failed { play, reason: "broken".into() }
                } else {
                    FromPage::Ready { play, seconds: Some(8.0) }
                };
                if key != "~" && !self.deaf {
                    self.broadcast.heard(TV, report, self.now);
                }
            }
            ToPage::Show { play } => {
                let prepare = self.prepared.iter().rev().find(|prepare| prepare.play == play).expect("prepared");
                let (key, at) = (self.key_of(&prepare.url), prepare.at);
                self.history += &key;
                self.seen = Some((key, play));
                self.safe = None;
                if self.deaf {
                    return;
                }
                self.broadcast.heard(TV, FromPage::Shown { play, at }, self.now);
            }
            ToPage::Safe(safe) => {
                self.history += "-";
                self.safe = Some(safe);
                self.seen = None;
            }
        }
    }

    fn key_of(&self, url: &str) -> String {
        let token_of = |key: &char| format!("/media/{}", token(&key.to_string()));
        ('A'..='~').find(|key| token_of(key) == url).expect("a known clip").to_string()
    }

    fn unplayable(&self) -> Vec<&str> {
        let keys = self.notes.iter().filter_map(|note| match note {
            Note::Unplayable { key, .. } => Some(key.as_str()),
            Note::Playable { .. } | Note::Place(_) => None,
        });
        keys.collect()
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_loop_goes_round_in_its_order() {
    let mut evening = Evening::with_tv("abc");
    evening.ends(6);
    assert_eq!(evening.history, "abcabca");
    assert_eq!(evening.unplayable(), Vec::<&str>::new());
}

#[test]
fn the_next_item_is_loaded_while_one_plays() {
    let evening = Evening::with_tv("ab");
    let urls: Vec<String> = evening.prepared.iter().map(|prepare| evening.key_of(&prepare.url)).collect();
    assert_eq!((evening.history.as_str(), urls.join("")), ("a", "ab".to_owned()));
}

#[test]
fn a_loop_of_one_item_loops_and_each_passage_has_its_number() {
    let mut evening = Evening::with_tv("a");
    let first = evening.play();
    evening.ends(3);
    assert_eq!(evening.history, "aaaa");
    assert!(evening.play() > first);
    evening.say(FromPage::Ended { play: first });
    assert_eq!(evening.history, "aaaa", "a late report is about another passage");
}

#[test]
fn an_image_stands_for_its_seconds() {
    let mut evening = Evening::with_tv("Ab");
    assert_eq!(evening.prepared[0].seconds, Some(5));
    evening.wait(seconds(4));
    // What the page says of its time does not matter.
    evening.position(0.0);
    evening.wait(Duration::from_millis(999));
    assert_eq!(evening.history, "A");
    evening.wait(Duration::from_millis(1));
    assert_eq!(evening.history, "Ab");
}

#[test]
fn without_anything_to_play_the_safe_screen_stands_until_there_is_something() {
    let mut evening = Evening::with_tv("");
    let safe = evening.safe.clone().expect("the safe screen");
    assert_eq!((safe.club.as_deref(), safe.language, safe.empty), (Some("ES Fougères"), "fr", true));
    evening.wait(seconds(3600));
    assert_eq!(evening.history, "-");
    evening.change("a");
    assert_eq!((evening.history.as_str(), evening.safe.is_none()), ("-a", true));
    evening.change("");
    assert_eq!(evening.history, "-a", "it plays to its end");
    evening.end();
    assert_eq!(evening.history, "-a-");
}

#[test]
fn the_safe_screen_follows_the_name_and_the_language() {
    let mut evening = Evening::with_tv("");
    let renamed = Library { club_name: Some("HBC".into()), language: Some("es".into()), clips: Vec::new() };
    evening.broadcast.set_library(Arc::new(renamed), evening.now);
    evening.obey();
    assert_eq!(evening.safe, Some(Safe { club: Some("HBC".into()), language: "es", empty: true }));
}

#[test]
fn a_change_waits_for_the_end_of_the_item_and_never_starts_over() {
    let mut evening = Evening::with_tv("abcd");
    evening.ends(1);
    evening.change("xabcd");
    assert_eq!(evening.history, "ab");
    evening.ends(1);
    assert_eq!(evening.history, "abc");
    evening.change("xabcyd");
    evening.ends(3);
    assert_eq!(evening.history, "abcydx");
}

#[test]
fn an_item_that_vanishes_plays_on_and_its_neighbour_follows() {
    let mut evening = Evening::with_tv("abcd");
    evening.ends(1);
    evening.change("acd");
    evening.change("aecd");
    assert_eq!(evening.history, "ab");
    evening.ends(4);
    assert_eq!(evening.history, "abcdae");
}

#[test]
fn a_file_that_was_replaced_under_its_name_is_loaded_anew() {
    let mut evening = Evening::with_tv("ab");
    let before = evening.prepared.len();
    let mut changed = (*library("ab")).clone();
    evening.broadcast.set_library(Arc::new(changed.clone()), evening.now);
    evening.obey();
    assert_eq!(evening.prepared.len(), before, "the same loop once more changes nothing");
    changed.clips[1].file = PathBuf::from("other");
    evening.broadcast.set_library(Arc::new(changed), evening.now);
    evening.obey();
    assert_eq!(evening.prepared.len(), before + 1);
    evening.end();
    assert_eq!(evening.history, "ab");
}

#[test]
fn a_new_page_goes_on_where_the_old_one_was() {
    let mut evening = Evening::with_tv("abc");
    evening.end();
    evening.wait(seconds(2));
    evening.position(2.0);
    evening.wait(seconds(1));
    evening.broadcast.left(TV, evening.now);
    evening.wait(seconds(500));
    assert_eq!(evening.broadcast.place(evening.now), Some(Place { key: "b".into(), seconds: 3.0 }));
    evening.prepared.clear();
    evening.join();
    let first = &evening.prepared[0];
    assert_eq!((evening.history.as_str(), first.at), ("abb", 3.0));
    evening.end();
    assert_eq!(evening.history, "abbc");
}

#[test]
fn a_restarted_box_goes_on_where_it_was() {
    let place = Place { key: "b".into(), seconds: 4.5 };
    let mut evening = Evening::at("", Some(place.clone()));
    assert_eq!(evening.broadcast.place(evening.now), Some(place));
    evening.change("abc");
    evening.join();
    assert_eq!((evening.history.as_str(), evening.prepared[0].at), ("b", 4.5));
    evening.ends(2);
    assert_eq!(evening.history, "bca");
    assert!(evening.prepared[1..].iter().all(|prepare| prepare.at == 0.0));
}

#[test]
fn a_restarted_box_takes_over_what_the_tv_shows() {
    let mut evening = Evening::at("abc", Some(Place { key: "a".into(), seconds: 4.5 }));
    evening.deaf = true;
    evening.join();
    evening.deaf = false;
    let url = format!("/media/{}", token("b"));
    evening.say(FromPage::Here { url: url.clone(), at: 6.0 });
    let last = evening.prepared.iter().find(|prepare| prepare.url == url).expect("b is prepared");
    assert_eq!((evening.history.as_str(), last.at), ("b", 6.0));
    evening.say(FromPage::Here { url: format!("/media/{}", token("a")), at: 1.0 });
    evening.end();
    assert_eq!(evening.history, "bc", "what is on air is not up to the page");
}

#[test]
fn what_the_box_remembers_and_the_tv_shows_is_asked_for_once() {
    let mut evening = Evening::at("abc", Some(Place { key: "b".into(), seconds: 4.5 }));
    evening.deaf = true;
    evening.join();
    evening.say(FromPage::Here { url: format!("/media/{}", token("b")), at: 6.0 });
    assert_eq!(evening.prepared.len(), 1);
}

#[test]
fn a_place_that_is_not_in_the_loop_any_more_is_forgotten() {
    let mut evening = Evening::at("abc", Some(Place { key: "z".into(), seconds: 4.5 }));
    evening.join();
    assert_eq!((evening.history.as_str(), evening.prepared[0].at), ("a", 0.0));
}

#[test]
fn the_place_is_told_but_rarely() {
    let mut evening = Evening::with_tv("ab");
    for second in 0..60 {
        evening.position(f64::from(second) / 8.0);
        evening.wait(seconds(1));
    }
    let places = evening.notes.iter().filter(|note| matches!(note, Note::Place(_))).count();
    assert_eq!(places as u64, 60 / PLACE_EVERY.as_secs());
}

#[test]
fn nothing_passes_while_nobody_watches() {
    let mut evening = Evening::new("ab");
    assert_eq!(evening.broadcast.deadline(), None);
    evening.broadcast.tick(evening.now + seconds(3600));
    evening.obey();
    assert_eq!((evening.history.as_str(), evening.notes.len()), ("", 0));
}

#[test]
fn files_can_be_asked_for_while_they_are_in_the_loop_or_on_air() {
    let mut evening = Evening::with_tv("abc");
    evening.change("bc");
    let has = |evening: &Evening, key: &str| evening.broadcast.clip(&token(key)).is_some();
    assert!(has(&evening, "a") && has(&evening, "b") && has(&evening, "c"));
    evening.end();
    assert!(!has(&evening, "a") && has(&evening, "b"));
    assert!(!has(&evening, "../state.sqlite") && evening.broadcast.clip("b").is_none());
}

#[test]
fn messages_have_the_shape_that_the_page_knows() {
    let prepare =
        Prepare { play: 3, url: "/media/x".into(), kind: super::messages::Kind::Image, seconds: Some(5), at: 0.0 };
    let text = serde_json::to_string(&ToPage::Prepare(prepare)).expect("JSON");
    assert_eq!(text, r#"{"type":"prepare","play":3,"url":"/media/x","kind":"image","seconds":5,"at":0.0}"#);
    let safe = Safe { club: None, language: "fr", empty: true };
    let text = serde_json::to_string(&ToPage::Safe(safe)).expect("JSON");
    assert_eq!(text, r#"{"type":"safe","club":null,"language":"fr","empty":true}"#);
    let read = |text: &str| serde_json::from_str::<FromPage>(text).ok();
    assert_eq!(read(r#"{"type":"ended","play":7}"#), Some(FromPage::Ended { play: 7 }));
    assert_eq!(read(r#"{"type":"ready","play":7,"seconds":null}"#), Some(FromPage::Ready { play: 7, seconds: None }));
    assert_eq!(read(r#"{"type":"dance","play":7}"#), None);
}
